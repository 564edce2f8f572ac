import type { LedgerContext } from './context.ts'
import { eachShard } from './each-shard.ts'
import { parseDeadlineMember, shardKeys } from './keys.ts'
import type { PendingLimits, ShardPending } from './ledger.ts'
import { asReply, integerOf, textOf } from './replies.ts'

/** What waits in each shard that answers; many are asked in one call where they may lie together. */
export async function pending(
  context: LedgerContext,
  shards: readonly number[],
  limits: PendingLimits,
): Promise<readonly ShardPending[]> {
  const { dirtyOlderThanMs, perShard } = limits
  const found = await eachShard(groupsOf(shards, context.shardsPerCall), async (group) => {
    const keys = group.flatMap((shard) => {
      const { receipts, dirty, deadlines, clock, wakeable } = shardKeys(shard)
      return [receipts, dirty, deadlines, clock, wakeable]
    })
    const replies = asReply(await context.run('pending', keys, [dirtyOlderThanMs, perShard]))
    return group.map((shard, index) => parsePending(shard, replies[index]))
  })
  return found.flat()
}

function parsePending(shard: number, reply: unknown): ShardPending {
  const [now, waiting, accounts, due, wakeable] = asReply(reply)
  return {
    shard,
    nowMs: integerOf(now),
    receipts: integerOf(waiting),
    dirty: asReply(accounts).map(textOf),
    due: asReply(due).map((member) => parseDeadlineMember(textOf(member))),
    wakeable: asReply(wakeable).map(textOf),
  }
}

function groupsOf(shards: readonly number[], size: number): readonly (readonly number[])[] {
  return Array.from({ length: Math.ceil(shards.length / size) }, (_, index) =>
    shards.slice(index * size, (index + 1) * size),
  )
}
