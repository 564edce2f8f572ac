import type { StreamedReceipt } from '../ledger/ledger.ts'
import type { ActivityDeps } from './deps.ts'
import { inRound, type Round, shardsOf } from './round.ts'

/** At rest, a receipt waits this long on average twice over. */
const restMs = 200
const perShard = 250
/** In one transaction: a commit costs the same for one receipt as for many. */
const perCommit = 2_000

/**
 * Moves receipts from the shards' streams to the journal, by protocol.md 5: from the head, stored, then acknowledged. A crash
 * between the steps only repeats them; two drainers at once are safe.
 */
export function createDrainReceipts({ ledger, journal, clock, log, count }: ActivityDeps) {
  return (round: Round): Promise<void> =>
    inRound(round, clock, async () => {
      const pending = await ledger.pending(shardsOf(round), { dirtyOlderThanMs: 0, perShard: 1 })
      const waiting = pending.filter((shard) => shard.receipts > 0).map((shard) => shard.shard)
      let more = false
      let batch: { shard: number; entries: readonly StreamedReceipt[] }[] = []
      for (const shard of waiting) {
        const entries = await headOf(shard)
        more ||= entries.length === perShard
        batch.push({ shard, entries })
        if (sizeOf(batch) >= perCommit) {
          await store(batch)
          batch = []
        }
      }
      await store(batch)
      return { restMs: more ? 0 : restMs }
    })

  async function headOf(shard: number): Promise<readonly StreamedReceipt[]> {
    try {
      return await ledger.receipts(shard, perShard)
    } catch (error) {
      // One shard that cannot be read keeps no other from the journal.
      log.error({ shard, err: error }, 'receipts of a shard could not be read')
      count?.('turn_failed', 1)
      return []
    }
  }

  async function store(batch: readonly { shard: number; entries: readonly StreamedReceipt[] }[]): Promise<void> {
    if (sizeOf(batch) === 0) return
    await journal.storeReceipts(batch.flatMap(({ entries }) => entries.map((entry) => entry.receipt)))
    let drained = 0
    for (const { shard, entries } of batch) {
      // `head_moved`: another drainer was there, or Redis went back in time. The next pass reads the head as it is now.
      if (entries.length > 0 && (await ledger.ackReceipts(shard, entries)) === 'acked') drained += entries.length
    }
    count?.('receipts_drained', drained)
  }
}

function sizeOf(batch: readonly { entries: readonly StreamedReceipt[] }[]): number {
  return batch.reduce((total, { entries }) => total + entries.length, 0)
}
