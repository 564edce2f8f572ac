import { parseWaiter } from '../credits/parked-run.ts'
import type { ActivityDeps } from './deps.ts'
import { eachOf, inRound, type Round, shardsOf } from './round.ts'

/** What somebody who has just bought credits does not feel. */
const restMs = 500
const perShard = 50
/** Runs of one account that are woken before its balance is looked at again. */
const perAccount = 200
/** A hundred signals a second were measured with twenty at a time. */
const atOnce = 20
/** A run that does not hear it asks again by itself, but not before its fallback. */
const tries = 5
const firstWaitMs = 250

export type WakeDeps = Pick<ActivityDeps, 'ledger' | 'clock' | 'log' | 'count' | 'wakeRun'>

/** Wakes parked runs of accounts whose terms have changed. */
export function createWakeRuns(deps: WakeDeps) {
  const { ledger, clock } = deps
  const wakeAccount = createWakeAccount(deps)
  return (round: Round): Promise<void> =>
    inRound(round, clock, async (stopped) => {
      const pending = await ledger.pending(shardsOf(round), { dirtyOlderThanMs: 0, perShard })
      const accounts = pending.flatMap(({ wakeable }) => wakeable)
      await eachOf(accounts, 4, stopped, (accountId) => wakeAccount(accountId, stopped))
      return { restMs }
    })
}

/**
 * Wakes an account's parked runs: oldest first, only as many as the balance feeds. Each is told once; one that Temporal cannot be told of asks again by itself.
 * Never rejects.
 */
export function createWakeAccount({ ledger, clock, log, count, wakeRun }: WakeDeps) {
  return wakeAccount

  async function wakeAccount(accountId: string, stopped: AbortSignal): Promise<void> {
    try {
      let gone: number
      do {
        gone = 0
        const answer = await ledger.popWaiters(accountId, perAccount)
        if (answer.status !== 'popped') return
        // They have left the line already: a stop would leave them untold
        await eachOf(answer.waiters, atOnce, new AbortController().signal, async (waiter) => {
          if ((await wake(accountId, waiter)) === 'gone') gone += 1
        })
        // What they would have taken feeds those behind them
      } while (gone > 0 && !stopped.aborted)
    } catch (error) {
      log.error({ code: 'turn_failed', accountId, err: error }, 'the parked runs of an account could not be woken')
      count?.('turn_failed', 1)
    }
  }

  async function wake(accountId: string, waiter: string): Promise<'told' | 'gone'> {
    const run = parseWaiter(waiter)
    if (run === null) {
      log.error({ code: 'turn_failed', accountId, waiter }, 'somebody waits whose name nobody understands')
      return 'gone'
    }
    for (let attempt = 0; ; attempt += 1) {
      try {
        if ((await wakeRun(run)) === 'gone') return 'gone'
        count?.('runs_woken', 1)
        return 'told'
      } catch (error) {
        if (attempt + 1 === tries) {
          log.warn(
            { accountId, ...run, err: error },
            'a parked run was not told that it may go on; it asks by itself later',
          )
          return 'told'
        }
        await clock.sleep(firstWaitMs * 2 ** attempt)
      }
    }
  }
}
