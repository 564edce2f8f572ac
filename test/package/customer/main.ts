// A customer's process, with nothing of Tollgate's but the package: a client and two workers, the second with a bundle made by hand.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Client, Connection } from '@temporalio/client'
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { formatCatalogueErrors, parseCatalogue } from 'tollgate/catalogue'
import { connectCharges } from 'tollgate/charges'
import { type PluginEvent, TollgatePlugin, withAttribution } from 'tollgate/temporal'
import * as activities from './activities.ts'
import type { invoice } from './workflows.ts'

const [redisUrl = '', databaseUrl = '', address = '', account = ''] = process.argv.slice(2)
const logger = new DefaultLogger('ERROR')
Runtime.install({ logger })

const shipped = readFileSync(fileURLToPath(import.meta.resolve('tollgate/catalogue.yaml')), 'utf8')
const parsed = parseCatalogue(
  shipped.replace(
    /^activities:\n/m,
    'activities:\n  sendMail: { category: tool_calls, item: mail, price: 0.05, per: call }\n',
  ),
)
if (!parsed.ok) throw new Error(formatCatalogueErrors(parsed.errors, 'catalogue.yaml'))
const { catalogue } = parsed

const charges = await connectCharges({
  redisUrl,
  databaseUrl,
  temporal: { address },
  catalogue,
  outboxFolder: 'outbox',
})
const events: PluginEvent[] = []
const plugin = new TollgatePlugin({ charges, catalogue, onEvent: (event) => void events.push(event) })
const workflowsPath = fileURLToPath(new URL('./workflows.ts', import.meta.url))
const byHand = await bundleWorkflowCode({
  workflowsPath,
  workflowInterceptorModules: [fileURLToPath(import.meta.resolve('tollgate/temporal/workflow-interceptors'))],
  logger,
})
const connection = await Connection.connect({ address })
const native = await NativeConnection.connect({ address })
const client = new Client({ connection, plugins: [plugin] })

const results: string[] = []
for (const workflows of [{ workflowsPath }, { workflowBundle: byHand }]) {
  const taskQueue = `customer-${randomUUID()}`
  const worker = await Worker.create({ connection: native, taskQueue, activities, plugins: [plugin], ...workflows })
  const running = worker.run()
  const result = await withAttribution({ account, employee: 'bo' }, () =>
    client.workflow.execute<typeof invoice>('invoice', { taskQueue, workflowId: randomUUID(), args: ['17'] }),
  )
  results.push(result)
  worker.shutdown()
  await running
}
await native.close()
await connection.close()
await charges.close()
process.stdout.write(JSON.stringify({ results, events }))
