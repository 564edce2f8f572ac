import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const mostBytes = 64 * 1024 * 1024

/** The workflows as one file of code. It takes seconds of computing, so it runs beside this process and may begin while other parts start. */
export async function workflowCode(): Promise<{ readonly code: string }> {
  return { code: await printedBy('./print-workflows.ts') }
}

/** What `npm start` runs. */
export interface StackCode {
  readonly own: { readonly code: string }
  readonly company: { readonly code: string }
}

/** Tollgate's workflows and those of examples/company, made in the same way. */
export async function stackCode(catalogueFile: string): Promise<StackCode> {
  return JSON.parse(await printedBy('./bundle-stack.ts', catalogueFile)) as StackCode
}

async function printedBy(program: string, ...options: readonly string[]): Promise<string> {
  const file = fileURLToPath(new URL(program, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...options], { maxBuffer: mostBytes })
  return stdout
}
