// A company's own worker with the plugin, in a process of its own, to be killed at any moment.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { toMicro } from '../../../credits/money.ts'
import { connectRedis } from '../../../ledger/connect.ts'
import { createLedger } from '../../../ledger/ledger.ts'
import { systemClock } from '../../../middleware/clock.ts'
import { connectCharges } from '../../../middleware/connect-charges.ts'
import { createMeters } from '../../../middleware/meter.ts'
import { TollgatePlugin } from '../../../middleware/temporal/plugin.ts'
import { createActivities } from './activities.ts'
import { catalogueIn } from './catalogue.ts'
import { noteIn } from './notes.ts'

export interface CompanyWorker {
  readonly temporalAddress: string
  readonly redisUrl: string
  readonly databaseUrl: string
  readonly catalogueFile: string
  readonly outboxFolder: string
  readonly notesFolder: string
  readonly taskQueue: string
  readonly bundlePath: string
  readonly holdMs: number
  readonly leaseMs: number
}

Runtime.install({ logger: new DefaultLogger('ERROR') })

const options = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as CompanyWorker
const port = Number(process.argv[3])
const { temporalAddress, redisUrl, databaseUrl, outboxFolder, holdMs, leaseMs } = options
const catalogue = catalogueIn(options.catalogueFile)
const connected = await connectCharges({
  redisUrl,
  databaseUrl,
  temporal: { address: temporalAddress },
  catalogue,
  outboxFolder,
  holdMs,
  clockSlackMs: 1_000,
})
// The same meters, with the lease that is to be tried
const meters = createMeters({
  ledger: createLedger(await connectRedis(redisUrl), { depletedBelow: toMicro(0) }),
  gate: connected,
  clock: systemClock,
  times: { leaseMs, lingerMs: Math.min(5_000, leaseMs / 3) },
})
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: temporalAddress }),
  taskQueue: options.taskQueue,
  workflowBundle: { codePath: options.bundlePath },
  activities: createActivities(noteIn(options.notesFolder)),
  plugins: [new TollgatePlugin({ catalogue, charges: { ...connected, meters }, holdMs })],
  // What a killed worker had in its cache is soon with another one
  stickyQueueScheduleToStartTimeout: '1 second',
  maxConcurrentActivityTaskExecutions: 20,
})
const run = worker.run()
process.once('SIGTERM', () => worker.shutdown())
// It takes work from now on: whoever started it may know
createServer((_, answer) => answer.end()).listen(port, '127.0.0.1')
await run
await meters.close()
await connected.close()
process.exit(0)
