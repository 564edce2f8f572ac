import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import { eachShard } from './each-shard.ts'
import { shardCount, shardKeys } from './keys.ts'
import { asReply, integerOf } from './replies.ts'
import { asLedgerFailure } from './unavailable.ts'

const everyShard = Array.from({ length: shardCount }, (_, shard) => shard)

/** What the ledger holds in all: figures for operators. */
export interface Census {
  /** Receipts that the journal has not got, and how long the oldest of them waits. */
  readonly receipts: number
  readonly oldestReceiptMs: number
  /** Accounts whose rows the workflow has not got. */
  readonly dirtyAccounts: number
  readonly holds: number
  /** By how much the most overdue hold is past its deadline; 0 when none is. */
  readonly overdueMs: number
  readonly loadedAccounts: number
}

/** Counts over all shards that answer, in some ms. Rejects with LedgerUnavailable when none does. */
export function createCensus(redis: Redis | Cluster): () => Promise<Census> {
  const lua = readFileSync(new URL('./census.lua', import.meta.url), 'utf8')
  redis.defineCommand('tollgateCensus', { numberOfKeys: 4, lua, readOnly: true })
  const commands = redis as unknown as { tollgateCensus(...keys: string[]): Promise<unknown> }
  return async () => {
    const shards = await eachShard(everyShard, async (shard) => {
      const { receipts, dirty, deadlines, loaded } = shardKeys(shard)
      try {
        return asReply(await commands.tollgateCensus(receipts, dirty, deadlines, loaded)).map(integerOf)
      } catch (error) {
        throw asLedgerFailure(error)
      }
    })
    const sum = (at: number) => shards.reduce((total, counts) => total + counts[at]!, 0)
    // How long before `now` of its own shard: the nodes of a Cluster have a clock each.
    const longestAgo = (at: number) =>
      Math.max(0, ...shards.map((counts) => (counts[at]! === 0 ? 0 : counts[0]! - counts[at]!)))
    return {
      receipts: sum(1),
      oldestReceiptMs: longestAgo(2),
      dirtyAccounts: sum(3),
      holds: sum(4),
      overdueMs: longestAgo(5),
      loadedAccounts: sum(6),
    }
  }
}
