// A worker that is killed in the middle of a call: a minute is settled, and nobody hears of it.
import { NativeConnection, Worker } from '@temporalio/worker'
import { createSessionActivities } from '../../activities/session-activities.ts'
import { toMicro } from '../../credits/money.ts'
import { parseCatalogue } from '../../credits/parse-catalogue.ts'
import { readFileSync } from 'node:fs'
import { openJournal } from '../../journal/open-journal.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { createLedger } from '../../ledger/ledger.ts'
import { systemClock as clock } from '../../middleware/clock.ts'
import { createGate } from '../../middleware/gate.ts'
import { createOutbox } from '../../middleware/outbox/outbox.ts'
import { openStore } from '../../middleware/outbox/store.ts'
import { browserAdapter } from '../../middleware/sessions/adapters/browser.ts'
import { endAskedFor } from '../../middleware/sessions/end-asked-for.ts'
import { createSupervisor } from '../../middleware/sessions/supervisor.ts'

export interface DyingWorker {
  readonly temporalAddress: string
  readonly redisUrl: string
  /** Lua of the clock that the test turns. */
  readonly ledgerClock: string
  readonly databaseUrl: string
  readonly workflowBundlePath: string
  readonly taskQueue: string
  readonly outboxFolder: string
}

const parts = JSON.parse(process.argv[2]!) as DyingWorker
const parsed = parseCatalogue(readFileSync(new URL('../../catalogue.yaml', import.meta.url), 'utf8'))
if (!parsed.ok) throw new Error('the catalogue is broken')
const ledger = createLedger(await connectRedis(parts.redisUrl), {
  depletedBelow: toMicro(10_000),
  clock: parts.ledgerClock,
})
const journal = await openJournal({ url: parts.databaseUrl })
const findCharge = () => Promise.resolve(null)
const loadAccount = () => Promise.resolve('unknown' as const)
const dying = {
  ...ledger,
  settle: async (...request: Parameters<typeof ledger.settle>) => {
    const answer = await ledger.settle(...request)
    process.kill(process.pid, 'SIGKILL')
    return answer
  },
}
const store = await openStore({ folder: parts.outboxFolder, clock, onEvent: () => undefined })
const outbox = await createOutbox({
  store,
  ledger: dying,
  journal: { findCharge, settledAmong: async () => [] },
  loadAccount,
  clock,
})
const gate = createGate({ ledger: dying, findCharge, loadAccount, clock, outbox })
const adapters = { browser: browserAdapter }
const log = console
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: parts.temporalAddress }),
  taskQueue: parts.taskQueue,
  stickyQueueScheduleToStartTimeout: '1 second',
  workflowBundle: { codePath: parts.workflowBundlePath },
  activities: createSessionActivities({
    ledger: dying,
    gate,
    adapters,
    supervisor: createSupervisor({
      ledger: dying,
      gate,
      adapters,
      endAskedFor: (name) => endAskedFor(journal, name),
      clock,
      log,
      lookMs: 20,
    }),
    catalogue: parsed.catalogue,
    journal,
    log,
  }),
})
await worker.run()
