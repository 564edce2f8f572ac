// The worker as a process of its own: accounts, reconciliation, the drain to the journal. Any number of them may run.
import { createLog } from './log.ts'
import { openPartsByAddress } from './open-parts-by-address.ts'
import { run } from './run.ts'
import { addresses, readSettings, required } from './settings.ts'
import { startWorker } from './start-worker.ts'
import { startWorkerService } from './worker-service.ts'
import { workflowCode } from './workflow-code.ts'

await run(async (stopped) => {
  const settings = required(readSettings(process.env), addresses)
  const log = createLog(settings.LOG_LEVEL)
  const parts = await openPartsByAddress(settings, log, stopped)
  const worker = await startWorker(parts, workflowCode(), settings)
  const service = await startWorkerService(parts, {
    host: settings.HOST,
    port: settings.WORKER_PORT,
  })
  log.info({ url: service.url }, 'worker is ready')
  return {
    ended: worker.ended,
    async close() {
      await service.close()
      await worker.close()
      await parts.close()
    },
  }
})
