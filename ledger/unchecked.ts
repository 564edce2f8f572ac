import { pairsOf } from './account-hash.ts'
import type { LedgerContext } from './context.ts'
import { eachShard } from './each-shard.ts'
import { shardKeys } from './keys.ts'
import type { UncheckedLimits } from './ledger.ts'

/** Loaded accounts that were not checked for a while, longest ago first, at most `perShard` of each shard that answers. */
export async function unchecked(
  context: LedgerContext,
  shards: readonly number[],
  limits: UncheckedLimits,
): Promise<readonly string[]> {
  const byShard = await eachShard(shards, async (shard) => {
    const { olderThanMs, perShard } = limits
    const checked = pairsOf(await context.run('unchecked', [shardKeys(shard).loaded], [olderThanMs, perShard]))
    return [...checked].slice(0, perShard)
  })
  return byShard
    .flat()
    .toSorted(([, one], [, other]) => Number(one) - Number(other))
    .map(([accountId]) => accountId)
}
