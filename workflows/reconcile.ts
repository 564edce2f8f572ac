import { continueAsNew, patched, proxyActivities } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { ReconcileStart } from '../credits/account/reconcile-start.ts'

/**
 * Keeps five activities running over a range of shards, for ever: receipts to the journal, expired holds, rows to the accounts, the
 * three-way check, and parked runs that may go on. All are safe to run twice at once, so a run that hands over does not wait for them.
 */
export async function reconcileShards(start: ReconcileStart): Promise<void> {
  const { drainReceipts, sweepHolds, reconcileAccounts, checkAccounts, wakeRuns } = proxyActivities<
    Pick<Activities, 'drainReceipts' | 'sweepHolds' | 'reconcileAccounts' | 'checkAccounts' | 'wakeRuns'>
  >({
    startToCloseTimeout: start.roundMs + 60_000,
    // A worker that was killed is replaced after this long.
    heartbeatTimeout: '6 seconds',
    retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '5 seconds' },
  })
  const { roundsPerRun, ...range } = start
  const rounds = [again(drainReceipts), again(sweepHolds), again(reconcileAccounts)]
  // A run that began before there were checks has none in its history; the run that it hands over to does.
  if (patched('check-accounts')) rounds.push(again(checkAccounts))
  if (patched('wake-runs')) rounds.push(again(wakeRuns))
  await Promise.race(rounds)
  await continueAsNew<typeof reconcileShards>(start)

  async function again(activity: (range: Omit<ReconcileStart, 'roundsPerRun'>) => Promise<void>): Promise<void> {
    for (let round = 0; round < roundsPerRun; round += 1) await activity(range)
  }
}
