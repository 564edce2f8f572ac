import { continueAsNew, patched, proxyActivities } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { ReconcileStart } from '../credits/account/reconcile-start.ts'

type Looks = Pick<
  Activities,
  'lookAfterShards' | 'drainReceipts' | 'sweepHolds' | 'reconcileAccounts' | 'checkAccounts' | 'wakeRuns'
>

/**
 * Keeps an activity running over a range of shards, for ever: receipts to the journal, expired holds, rows to the accounts, the three-way check, and parked runs that may go on. All of it is safe to run
 * twice at once, so a run that hands over does not wait for it.
 */
export async function reconcileShards(start: ReconcileStart): Promise<void> {
  const activities = proxyActivities<Looks>({
    startToCloseTimeout: start.roundMs + 60_000,
    // A worker that was killed is replaced after this long.
    heartbeatTimeout: '6 seconds',
    retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '5 seconds' },
  })
  const { roundsPerRun, ...range } = start
  await Promise.race(patched('one-activity') ? [again('lookAfterShards')] : asBefore())
  await continueAsNew<typeof reconcileShards>(start)

  /** How runs began that are older than the one activity; the run that they hand over to has it. */
  function asBefore(): Promise<void>[] {
    const rounds = [again('drainReceipts'), again('sweepHolds'), again('reconcileAccounts')]
    if (patched('check-accounts')) rounds.push(again('checkAccounts'))
    if (patched('wake-runs')) rounds.push(again('wakeRuns'))
    return rounds
  }

  async function again(look: keyof Looks): Promise<void> {
    for (let round = 0; round < roundsPerRun; round += 1) await activities[look](range)
  }
}
