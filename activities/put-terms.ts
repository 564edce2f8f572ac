import type { Terms } from '../credits/terms.ts'
import type { ActivityDeps } from './deps.ts'

/** Brings terms to the ledger. Older than what it has: ignored there. Account not in Redis: nothing to do, hydrate brings them along. */
export function createPutTerms({ ledger }: Pick<ActivityDeps, 'ledger'>) {
  return async (accountId: string, terms: Terms): Promise<void> => {
    await ledger.putTerms(accountId, terms)
  }
}
