import { ackReceipts, receipts } from './ledger/receipts.ts'
import { type Process, rest, send, Unavailable } from './scheduler.ts'
import type { World } from './world.ts'

const atOnce = 12

/** Moves receipts from the head of the stream to the journal: read, stored, acknowledged. A crash between the steps only repeats them. */
export function* drain(world: World): Process {
  const { redis, journal, random, rules, story } = world
  let cursor = 0
  for (;;) {
    yield* rest(random.between(1_000, 40_000))
    try {
      const after = cursor
      const head = yield* send('redis', () => receipts(redis, atOnce, after))
      if (head.length === 0) continue
      cursor = head.at(-1)!.entryId
      if (!rules.storeBeforeAck) yield* send('redis', () => ackReceipts(redis, head))
      yield* send('journal', () => {
        for (const { receipt } of head) noteStraggler(world, receipt)
        journal.store(head.map((entry) => entry.receipt))
      })
      for (const { receipt } of head) {
        story.tell(
          receipt,
          () =>
            `the journal has ${receipt.id} as ${receipt.kind}: ${receipt.charged} (life ${receipt.lineage}, n ${receipt.n})`,
        )
      }
      if (!rules.storeBeforeAck) continue
      // A slow commit: whatever happens to Redis meanwhile, the drainer comes back with what it read before
      if (!world.calm && random.chance(world.mix.slowCommits)) yield* rest(random.between(1_000, 120_000))
      const acked = yield* send('redis', () => ackReceipts(redis, head))
      story.tell({}, () => `the drainer acknowledges ${head.length} receipts: ${acked}`)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
    }
  }
}

/** A receipt of a life that has ended: its drainer outlived it, and what was read of the journal since is short of it. */
function noteStraggler(
  { redis, accounts, truth }: World,
  { accountId, lineage }: { readonly accountId: string; readonly lineage: number },
): void {
  const here = redis.state.accounts.get(accountId)?.bornIn ?? Number.POSITIVE_INFINITY
  if (!truth.lost && !truth.rolledBack) return
  if (lineage < Math.min(here, accounts.get(accountId)!.state.lineage)) truth.stragglers.add(accountId)
}
