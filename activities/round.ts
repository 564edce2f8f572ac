import { cancelled, heartbeat, cancellationSignal } from '@temporalio/activity'
import { shardOf } from '../ledger/keys.ts'
import type { Clock } from '../middleware/clock.ts'

/** The shards that a long activity looks after, both ends included, and how long it does so before it hands back. */
export interface Round {
  readonly from: number
  readonly to: number
  readonly roundMs: number
}

export function shardsOf({ from, to }: Round): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

export function isIn({ from, to }: Round, accountId: string): boolean {
  const shard = shardOf(accountId)
  return shard >= from && shard <= to
}

/**
 * Repeats `pass` until the round is over or the worker stops; it answers how long to rest. Heartbeats all the while, apart from
 * the passes: each of their calls has its own deadline, and a slow pass is no dead worker. A stop ends the round as a normal end.
 */
export async function inRound(
  round: Round,
  clock: Clock,
  pass: (stopped: AbortSignal) => Promise<{ readonly restMs: number }>,
): Promise<void> {
  const endMs = clock.now() + round.roundMs
  const stopped = cancellationSignal()
  const stopHeartbeat = clock.every(1_000, () => heartbeat())
  const stop = cancelled().catch(() => undefined)
  try {
    // A round makes one pass at least, however short it is.
    do {
      const { restMs } = await pass(stopped)
      if (restMs > 0 && !stopped.aborted) await Promise.race([clock.sleep(restMs), stop])
    } while (!stopped.aborted && clock.now() < endMs)
  } finally {
    stopHeartbeat()
  }
}

/**
 * Runs `work` for each item, a few at a time, until stopped. What is under way then is left to itself: it waits for an account workflow that
 * nobody may be running any more, and all of it may be done again.
 */
export async function eachOf<Item>(
  items: Iterable<Item>,
  atOnce: number,
  stopped: AbortSignal,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  const lane = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined && !stopped.aborted; item = waiting.shift()) await work(item)
  }
  const lanes = Promise.all(Array.from({ length: Math.min(atOnce, waiting.length) }, lane))
  await Promise.race([lanes, new Promise((resolve) => stopped.addEventListener('abort', resolve, { once: true }))])
}
