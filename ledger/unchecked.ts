import { pairsOf } from './account-hash.ts'
import type { LedgerContext } from './context.ts'
import { shardKeys } from './keys.ts'
import type { UncheckedLimits } from './ledger.ts'

/** Loaded accounts that were not checked for a while, longest ago first, at most `perShard` of each shard. All shards are asked at once. */
export async function unchecked(
  context: LedgerContext,
  shards: readonly number[],
  limits: UncheckedLimits,
): Promise<readonly string[]> {
  const byShard = await Promise.all(
    shards.map(async (shard) => {
      const { olderThanMs, perShard } = limits
      const checked = pairsOf(await context.run('unchecked', [shardKeys(shard).loaded], [olderThanMs, perShard]))
      return [...checked].slice(0, perShard)
    }),
  )
  return byShard
    .flat()
    .toSorted(([, one], [, other]) => Number(one) - Number(other))
    .map(([accountId]) => accountId)
}
