import { randomUUID } from 'node:crypto'
import { Client, Connection } from '@temporalio/client'
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { inject } from 'vitest'
import type { Activities } from '../../activities/index.ts'
import type { SessionActivities } from '../../activities/session-activities.ts'
import { type Accounts, type AccountsDeps, createAccounts } from '../../middleware/accounts.ts'
import { createUnderWay } from '../../middleware/under-way.ts'
import { catalogue } from './catalogue.ts'

Runtime.install({ logger: new DefaultLogger('ERROR') })

export interface Stand {
  readonly client: Client
  readonly taskQueue: string
  readonly accounts: Accounts
  startWorker(activities: Partial<Activities & SessionActivities>): Promise<RunningWorker>
  close(): Promise<void>
}

export interface RunningWorker {
  stop(): Promise<void>
}

/** Clients and workers on the test run's Temporal server, on a task queue of their own. */
export async function openStand(
  options: Partial<Pick<AccountsDeps, 'updatesPerRun' | 'deadlineMs'>> = {},
): Promise<Stand> {
  const address = inject('temporalAddress')
  const taskQueue = `tollgate-${randomUUID()}`
  const connection = await Connection.connect({ address })
  const native = await NativeConnection.connect({ address })
  const client = new Client({ connection })
  const workers: RunningWorker[] = []
  const underWay = createUnderWay()
  return {
    client,
    taskQueue,
    accounts: createAccounts({ client, taskQueue, catalogue, onCall: underWay.add, ...options }),
    async startWorker(activities) {
      const worker = await Worker.create({
        connection: native,
        taskQueue,
        workflowBundle: { codePath: inject('workflowBundlePath') },
        activities,
        // A worker that was killed keeps its accounts waiting for this long.
        stickyQueueScheduleToStartTimeout: '1 second',
      })
      const run = worker.run()
      let stopping: Promise<void> | undefined
      const running: RunningWorker = {
        stop: () =>
          (stopping ??= (async () => {
            worker.shutdown()
            await run
          })()),
      }
      workers.push(running)
      return running
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.stop()))
      await native.close()
      // A call that is retried on a closed connection throws where nobody can catch it
      await underWay.idle()
      await connection.close()
    },
  }
}

/** An account id that no other test has. */
export function newAccountId(): string {
  return `u-${randomUUID()}`
}

export function signUpOf(accountId: string) {
  return { accountId, email: `${accountId}@example.com`, timeZone: 'UTC' }
}
