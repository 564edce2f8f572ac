import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker'

const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url))

/** Bundles the workflows once for a whole test run; a worker takes the file as `workflowBundle: { codePath }`. */
export async function bundleWorkflows(folder: string): Promise<string | undefined> {
  if (!existsSync(workflowsPath)) return undefined
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') })
  const codePath = join(folder, 'workflow-bundle.js')
  writeFileSync(codePath, code)
  return codePath
}
