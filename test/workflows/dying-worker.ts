// A worker that is killed at the worst moment: the workflow has an account's rows, and the reconciler never hears of it.
import { Client, Connection } from '@temporalio/client'
import { NativeConnection, Worker } from '@temporalio/worker'
import { createActivities } from '../../activities/index.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { createLedger } from '../../ledger/ledger.ts'
import { createWakeRun } from '../../middleware/wake-run.ts'
import { createAccounts } from '../../middleware/accounts.ts'
import { systemClock } from '../../middleware/clock.ts'
import { createMails } from '../stack/mails.ts'
import { catalogue } from './catalogue.ts'

export interface DyingWorker {
  readonly temporalAddress: string
  readonly redisUrl: string
  readonly databaseUrl: string
  readonly workflowBundlePath: string
  readonly taskQueue: string
}

const parts = JSON.parse(process.argv[2]!) as DyingWorker
const client = new Client({ connection: await Connection.connect({ address: parts.temporalAddress }) })
const accounts = createAccounts({ client, taskQueue: parts.taskQueue, catalogue })
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: parts.temporalAddress }),
  taskQueue: parts.taskQueue,
  stickyQueueScheduleToStartTimeout: '1 second',
  workflowBundle: { codePath: parts.workflowBundlePath },
  activities: createActivities({
    ledger: createLedger(await connectRedis(parts.redisUrl), catalogue.policies),
    journal: await openJournal({ url: parts.databaseUrl }),
    accounts: {
      ...accounts,
      reconcile: async (accountId, report) => {
        const answer = await accounts.reconcile(accountId, report)
        const spent = report.epochs.some(({ rows }) => Object.keys(rows).length > 0)
        if (spent) process.kill(process.pid, 'SIGKILL')
        return answer
      },
    },
    policies: catalogue.policies,
    wakeRun: createWakeRun(client.connection),
    mailer: createMails().mailer,
    clock: systemClock,
    log: console,
  }),
})
await worker.run()
