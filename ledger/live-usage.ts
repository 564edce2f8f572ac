import type { Cluster, Redis } from 'ioredis'
import { pairsOf, parseReading } from './account-hash.ts'
import { accountKeys } from './keys.ts'
import type { AccountReading, EpochRows, NotLoaded } from './ledger.ts'
import { notLoaded } from './replies.ts'
import { epochsOf } from './rows.ts'
import { asLedgerFailure } from './unavailable.ts'

/** An account and the rows of its open periods, read at one moment. */
export type LiveUsage = (
  accountId: string,
) => Promise<({ readonly status: 'loaded'; readonly epochs: readonly EpochRows[] } & AccountReading) | NotLoaded>

/**
 * What pages show of the periods that Redis holds. Unlike `snapshot` it leaves the dirty mark alone: somebody who looks at a page
 * must not delay reconciliation. Rejects with LedgerUnavailable.
 */
export function createLiveUsage(redis: Redis | Cluster): LiveUsage {
  return async (accountId) => {
    const keys = accountKeys(accountId)
    // MULTI, so that the time is that of this very version.
    const answers = await redis
      .multi()
      .hgetall(keys.account)
      .time()
      .exec()
      .catch((error: unknown) => {
        throw asLedgerFailure(error)
      })
    const [account, time] = (answers ?? []).map(([error, answer]) => {
      if (error !== null) throw asLedgerFailure(error)
      return answer
    })
    const hash = toMap(account)
    if (hash.size === 0) return notLoaded
    const [seconds, microseconds] = time as [number | string, number | string]
    const reading = parseReading(hash, Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000))
    const epochs = epochsOf(hash, [...reading.earlier.map(({ epoch }) => epoch), reading.epoch])
    return { status: 'loaded', ...reading, epochs }
  }
}

/** Within MULTI a hash comes as an object or as a flat list, by the client's reply transformers. */
function toMap(hash: unknown): ReadonlyMap<string, string> {
  return Array.isArray(hash) ? pairsOf(hash) : new Map(Object.entries((hash ?? {}) as Record<string, string>))
}
