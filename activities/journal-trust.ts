import type { Received } from '../journal/totals.ts'
import type { AccountSnapshot } from '../ledger/ledger.ts'
import type { ActivityDeps } from './deps.ts'

type AccountMarks = Pick<AccountSnapshot, 'lineage' | 'drained'>

/**
 * How far the journal is believed before another copy of an account's spend is replaced by it: not when it lacks receipts that it had
 * confirmed, and not unasked when the difference is large. Where it is not believed, an operator is called.
 */
export function createJournalTrust({ policies, log, count }: ActivityDeps) {
  return {
    /**
     * Whether the journal has all that it confirmed of this life. `received` is of the lives from `bornIn` to `lineage`, read after `drained`,
     * for a receipt counts as drained only once the journal has it; and at one moment with the totals that are believed for it, or a backup
     * that is restored between the two would refund real charges.
     */
    hasConfirmed(
      accountId: string,
      { lineage, drained }: AccountMarks,
      { highestN: confirmed, gap }: Received,
    ): boolean {
      if (drained <= confirmed && !gap) return true
      count?.('journal_lost_commits', 1)
      log.error(
        { code: 'journal_lost_commits', accountId, lineage, drained, confirmed, gap },
        'the journal has fewer receipts of this account than it confirmed: nothing is corrected by it',
      )
      return false
    },
    /** Whether a difference of `size` µcr may be settled by the journal unasked. */
    allows(accountId: string, where: string, size: number): boolean {
      if (size <= policies.largestCorrection) return true
      count?.('correction_refused', 1)
      log.error(
        { code: 'correction_refused', accountId, where, micro: size, largest: policies.largestCorrection },
        'a difference to the journal is too large to be corrected unasked',
      )
      return false
    },
  }
}
