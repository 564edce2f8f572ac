import type { Account } from './ledger/state.ts'
import type { World } from './world.ts'

/** Receipts that the ledger was told are stored are not in the journal: it was restored from a backup, and is not to be taken at its word. */
export function hasLostCommits(
  { journal, rules }: World,
  accountId: string,
  { bornIn, lineage, drained }: Pick<Account, 'bornIn' | 'lineage' | 'drained'>,
): boolean {
  const isShort = drained > journal.highestN(accountId, bornIn, lineage)
  return (isShort && rules.shortJournalPages) || (journal.state.gaps.has(accountId) && rules.gapsPage)
}
