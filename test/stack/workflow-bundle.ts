import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { workflowCode } from '../../bin/workflow-code.ts'

/** Bundles the workflows once for a whole test run; a worker takes the file as `workflowBundle: { codePath }`. */
export async function bundleWorkflows(folder: string): Promise<string> {
  const { code } = await workflowCode()
  const codePath = join(folder, 'workflow-bundle.js')
  writeFileSync(codePath, code)
  return codePath
}
