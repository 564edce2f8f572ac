import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const mostBytes = 64 * 1024 * 1024

/** The workflows as one file of code. It takes seconds of computing, so it runs beside this process and may begin while other parts start. */
export async function workflowCode(): Promise<{ readonly code: string }> {
  const program = fileURLToPath(new URL('./bundle-workflows.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [program], { maxBuffer: mostBytes })
  return { code: stdout }
}
