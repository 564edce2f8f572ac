import { JournalUnavailable } from '../journal/journal-unavailable.ts'
import { LedgerUnavailable, type StreamedReceipt } from '../ledger/ledger.ts'
import type { ActivityDeps } from './deps.ts'
import { inRound, type Round, shardsOf } from './round.ts'

/** Looking into 256 shards costs some 15 ms of processor time, here and in Redis together, also while nothing happens. */
const restMs = 500
const perShard = 250
/** In one transaction, about: from some hundred on, a receipt costs the same in any batch, and an embedded journal holds up the whole process for its length. */
const perCommit = 500

/**
 * Moves receipts from the shards' streams to the journal, by protocol.md 5: from the head, stored, then acknowledged. A crash
 * between the steps only repeats them; two drainers at once are safe.
 */
export function createDrainReceipts({ ledger, journal, clock, log, count, journaled }: ActivityDeps) {
  return (round: Round): Promise<void> =>
    inRound(round, clock, async () => {
      const pending = await ledger.pending(shardsOf(round), { dirtyOlderThanMs: 0, perShard: 1 })
      const waiting = pending.filter((shard) => shard.receipts > 0).map((shard) => shard.shard)
      let drained = 0
      let more = false
      let batch: Head[] = []
      for (const shard of waiting) {
        const head = await headOf(shard)
        more ||= head.entries.length === perShard
        batch.push(head)
        if (sizeOf(batch) >= perCommit) {
          drained += await store(batch)
          batch = []
        }
      }
      drained += await store(batch)
      count?.('receipts_drained', drained)
      return { restMs: more && drained > 0 ? 0 : restMs }
    })

  async function headOf(shard: number): Promise<Head> {
    try {
      return { shard, entries: await ledger.receipts(shard, perShard) }
    } catch (error) {
      if (error instanceof LedgerUnavailable) throw error
      failed(shard, error)
      return { shard, entries: [] }
    }
  }

  /** How many receipts are in the journal and out of the stream now. */
  async function store(batch: readonly Head[]): Promise<number> {
    const heads = batch.filter((head) => head.entries.length > 0)
    if (heads.length === 0) return 0
    try {
      await journal.storeReceipts(heads.flatMap(({ entries }) => entries.map((entry) => entry.receipt)))
    } catch (error) {
      if (error instanceof JournalUnavailable) throw error
      const [only, ...others] = heads
      if (others.length > 0) return storeApart(heads)
      failed(only!.shard, error)
      return 0
    }
    for (const { entries } of heads)
      for (const { receipt } of entries) journaled?.(Math.max(0, clock.now() - receipt.atMs))
    let acked = 0
    for (const { shard, entries } of heads) {
      // `head_moved`: another drainer was there, or Redis went back in time. The next pass reads the head as it is now.
      if ((await ledger.ackReceipts(shard, entries)) === 'acked') acked += entries.length
    }
    return acked
  }

  /** A receipt that the journal cannot take holds up its own shard only. */
  async function storeApart(heads: readonly Head[]): Promise<number> {
    let stored = 0
    for (const head of heads) stored += await store([head])
    return stored
  }

  function failed(shard: number, error: unknown): void {
    log.error({ code: 'turn_failed', shard, err: error }, 'the receipts of a shard do not reach the journal')
    count?.('turn_failed', 1)
  }
}

interface Head {
  readonly shard: number
  readonly entries: readonly StreamedReceipt[]
}

function sizeOf(batch: readonly Head[]): number {
  return batch.reduce((total, { entries }) => total + entries.length, 0)
}
