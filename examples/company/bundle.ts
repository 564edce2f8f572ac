import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker'
import { type Catalogue } from '../../package/catalogue.ts'
import { TollgatePlugin } from '../../package/temporal.ts'

/** The company's workflows as one file of code, the plugin's side in it. It takes seconds of computing. */
export async function bundleCompany(catalogue: Catalogue): Promise<{ readonly code: string }> {
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('./workflows/index.ts', import.meta.url)),
    plugins: [new TollgatePlugin({ catalogue })],
    logger: new DefaultLogger('WARN'),
  })
}
