import type { ActivityDeps } from './deps.ts'
import { eachOf, inRound, type Round, shardsOf } from './round.ts'

/** Leases are tens of seconds: a second more is not felt. */
const restMs = 1_000
const haltedRestMs = 5_000
const perShard = 50
const atOnce = 16
/** Beyond this, one of the clocks is wrong, and expiring what is alive would charge for half a call. */
const mostClockDifferenceMs = 5_000

/** Ends holds whose deadline has passed: what was accrued is charged, the rest goes back. Redis itself decides what is due. */
export function createSweepHolds({ ledger, clock, log, count }: ActivityDeps) {
  return (round: Round): Promise<void> =>
    inRound(round, clock, async (stopped) => {
      const pending = await ledger.pending(shardsOf(round), { dirtyOlderThanMs: 0, perShard })
      const due = pending.flatMap((shard) => shard.due)
      if (due.length === 0) return { restMs }
      const apartMs = Math.max(...pending.map((shard) => Math.abs(shard.nowMs - clock.now())))
      if (apartMs > mostClockDifferenceMs) {
        log.error(
          { code: 'clocks_apart', apartMs },
          'no hold is expired while the clocks of Redis and of this machine differ so much',
        )
        count?.('clocks_apart', 1)
        return { restMs: haltedRestMs }
      }
      let anyLeft = false
      await eachOf(due, atOnce, stopped, async (hold) => {
        if (await expire(hold)) anyLeft = true
      })
      // Holds that cannot be expired stay due: without a rest they would be tried again all the time.
      return { restMs: anyLeft && pending.some((shard) => shard.due.length === perShard) ? 0 : restMs }
    })

  /** Whether it is due no more. */
  async function expire(hold: { readonly accountId: string; readonly id: string }): Promise<boolean> {
    try {
      const { status } = await ledger.expire(hold)
      if (status === 'expired') count?.('holds_expired', 1)
      return status === 'expired' || status === 'hold_not_found'
    } catch (error) {
      log.error({ code: 'turn_failed', ...hold, err: error }, 'a hold could not be expired')
      count?.('turn_failed', 1)
      return false
    }
  }
}
