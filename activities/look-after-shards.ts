import { cancellationSignal, cancelled } from '@temporalio/activity'
import type { ActivityDeps } from './deps.ts'
import type { Round } from './round.ts'

type Rounds = Readonly<Record<string, (round: Round) => Promise<void>>>

/** A round begins anew so often, so that all of them end soon once one has been given up. */
const sliceMs = 30_000
const againMs = { first: 200, most: 5_000 }
/** A part that fails for so long here may answer another worker. */
const giveUpAfterMs = 30_000

/**
 * Everything that a range of shards needs, side by side in one activity: one heartbeat keeps all of it, where each had its own. What fails begins again by itself and holds up no other; what goes on failing ends
 * the activity, which Temporal then gives to any worker.
 */
export function createLookAfterShards(
  { clock, log, count }: Pick<ActivityDeps, 'clock' | 'log' | 'count'>,
  rounds: Rounds,
) {
  return async (range: Round): Promise<void> => {
    const endMs = clock.now() + range.roundMs
    const stopped = cancellationSignal()
    const stop = cancelled().catch(() => undefined)
    let givenUp: unknown

    async function goOn(name: string, round: (range: Round) => Promise<void>): Promise<void> {
      let waitMs = againMs.first
      let failingSinceMs: number | undefined
      // One turn at least, however short the round is.
      do {
        try {
          await round({ ...range, roundMs: Math.max(1, Math.min(sliceMs, endMs - clock.now())) })
          waitMs = againMs.first
          failingSinceMs = undefined
        } catch (error) {
          if (stopped.aborted) return
          log.error({ code: 'turn_failed', round: name, err: error }, 'a round over the shards failed; it begins again')
          count?.('turn_failed', 1)
          failingSinceMs ??= clock.now()
          if (clock.now() - failingSinceMs >= giveUpAfterMs) {
            givenUp ??= error
            return
          }
          await Promise.race([clock.sleep(waitMs), stop])
          waitMs = Math.min(againMs.most, 2 * waitMs)
        }
      } while (!stopped.aborted && givenUp === undefined && clock.now() < endMs)
    }

    await Promise.all(Object.entries(rounds).map(([name, round]) => goOn(name, round)))
    if (givenUp !== undefined) throw givenUp
  }
}
