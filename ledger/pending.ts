import type { LedgerContext } from './context.ts'
import { eachShard } from './each-shard.ts'
import { parseDeadlineMember, shardKeys } from './keys.ts'
import type { PendingLimits, ShardPending } from './ledger.ts'
import { asReply, integerOf, textOf } from './replies.ts'

/** What waits in each shard that answers. */
export async function pending(
  context: LedgerContext,
  shards: readonly number[],
  limits: PendingLimits,
): Promise<readonly ShardPending[]> {
  return eachShard(shards, async (shard) => {
    const { receipts, dirty, deadlines, clock } = shardKeys(shard)
    const [now, waiting, accounts, due] = asReply(
      await context.run('pending', [receipts, dirty, deadlines, clock], [limits.dirtyOlderThanMs, limits.perShard]),
    )
    return {
      shard,
      nowMs: integerOf(now),
      receipts: integerOf(waiting),
      dirty: asReply(accounts).map(textOf),
      due: asReply(due).map((member) => parseDeadlineMember(textOf(member))),
    }
  })
}
