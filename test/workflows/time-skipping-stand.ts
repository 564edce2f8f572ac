import type { TestWorkflowEnvironment } from '@temporalio/testing'
import { Worker } from '@temporalio/worker'
import { inject } from 'vitest'
import type { Activities } from '../../activities/index.ts'
import { type Accounts, createAccounts } from '../../middleware/accounts.ts'
import { startTimeSkipping } from '../stack/time-skipping.ts'
import { catalogue } from './catalogue.ts'

/** Accounts on a Temporal whose clock jumps, with a worker. */
export interface TimeSkippingStand {
  readonly env: TestWorkflowEnvironment
  readonly accounts: Accounts
  close(): Promise<void>
}

export async function openTimeSkippingStand(
  activities: (accounts: Accounts) => Partial<Activities>,
  options: { readonly updatesPerRun?: number } = {},
): Promise<TimeSkippingStand> {
  const taskQueue = 'time-skipping'
  const env = await startTimeSkipping()
  const accounts = createAccounts({ client: env.client, taskQueue, catalogue, ...options })
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle: { codePath: inject('workflowBundlePath') },
    activities: activities(accounts),
  })
  const run = worker.run()
  return {
    env,
    accounts,
    async close() {
      worker.shutdown()
      await run
      await env.teardown()
    },
  }
}
