// The worker as a process of its own: accounts, reconciliation, the drain to the journal. Any number of them may run.
import { createLog } from './log.ts'
import { openParts, openStore } from './open-parts.ts'
import { run } from './run.ts'
import { readSettings, required } from './settings.ts'
import { bundleWorkflows, startWorker } from './start-worker.ts'

await run(async () => {
  const settings = readSettings(process.env)
  const log = createLog(settings.LOG_LEVEL)
  const parts = await openParts({
    redisUrl: required(settings, 'REDIS_URL'),
    temporal: { address: required(settings, 'TEMPORAL_ADDRESS'), namespace: settings.TEMPORAL_NAMESPACE },
    journal: openStore({ url: required(settings, 'DATABASE_URL') }),
    cataloguePath: settings.CATALOGUE,
    clockSlackMs: settings.CLOCK_SLACK_SECONDS * 1_000,
    environment: process.env,
    log,
  })
  const worker = await startWorker(parts, bundleWorkflows(log))
  log.info({}, 'worker is ready')
  return {
    ended: worker.ended,
    async close() {
      await worker.close()
      await parts.close()
    },
  }
})
