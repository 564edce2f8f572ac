import { LRUCache } from 'lru-cache'
import type { AccountReading } from '../ledger/ledger.ts'
import type { Clock } from '../middleware/clock.ts'

export type AccountReader = (accountId: string) => Promise<AccountReading | 'unknown'>

/** Cards and balances at most this old serve to name a tier and to find a fair share; admission itself always asks the ledger. */
const freshMs = 1_000

/** The same reader, asked at most once a second per account that there is. */
export function cachedAccounts(read: AccountReader, clock: Pick<Clock, 'now'>): AccountReader {
  const cache = new LRUCache<string, { readonly atMs: number; readonly reading: ReturnType<AccountReader> }>({
    max: 10_000,
  })
  return (accountId) => {
    const cached = cache.get(accountId)
    if (cached !== undefined && clock.now() - cached.atMs < freshMs) return cached.reading
    const reading = read(accountId)
    cache.set(accountId, { atMs: clock.now(), reading })
    reading.then(
      // It may be signed up the next moment.
      (answer) => answer === 'unknown' && cache.delete(accountId),
      () => cache.delete(accountId),
    )
    return reading
  }
}
