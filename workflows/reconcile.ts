import { continueAsNew, proxyActivities } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { ReconcileStart } from '../credits/account/reconcile-start.ts'

/**
 * Keeps three activities running over a range of shards, for ever: receipts to the journal, expired holds, rows to the accounts.
 * All three are safe to run twice at once, so a run that hands over does not wait for them.
 */
export async function reconcileShards(start: ReconcileStart): Promise<void> {
  const { drainReceipts, sweepHolds, reconcileAccounts } = proxyActivities<
    Pick<Activities, 'drainReceipts' | 'sweepHolds' | 'reconcileAccounts'>
  >({
    startToCloseTimeout: start.roundMs + 60_000,
    // A worker that was killed is replaced after this long.
    heartbeatTimeout: '6 seconds',
    retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '5 seconds' },
  })
  const { roundsPerRun, ...range } = start
  await Promise.race([again(drainReceipts), again(sweepHolds), again(reconcileAccounts)])
  await continueAsNew<typeof reconcileShards>(start)

  async function again(activity: (range: Omit<ReconcileStart, 'roundsPerRun'>) => Promise<void>): Promise<void> {
    for (let round = 0; round < roundsPerRun; round += 1) await activity(range)
  }
}
