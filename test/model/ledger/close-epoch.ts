import { bookOf, type Ledger, notLoaded, type NotLoaded } from './state.ts'

export type CloseEpochAnswer = { readonly status: 'closed' | 'open' | 'absent' } | NotLoaded

/** An ended period leaves Redis once nothing of it moves. `archivedN`: the workflow has closed it before, and has all of it up to this n. */
export function closeEpoch(
  ledger: Ledger,
  accountId: string,
  { lineage, epoch, archivedN }: { readonly lineage: number; readonly epoch: number; readonly archivedN?: number },
): CloseEpochAnswer {
  const { rules } = ledger
  const account = ledger.state.accounts.get(accountId)
  if (account === undefined) return notLoaded
  const book = bookOf(account, epoch)
  if (book === undefined) return { status: 'absent' }
  const open =
    account.lineage !== lineage ||
    book === account.current ||
    (rules.epochLeavesWithoutHolds && book.held !== 0) ||
    (rules.epochLeavesDrained && account.drained !== account.n) ||
    (rules.epochLeavesAcked && account.acked !== account.seq) ||
    (rules.epochLeavesCounted && Math.max(0, book.spent) !== book.counted && archivedN !== account.n)
  if (open) return { status: 'open' }
  account.earlier = account.earlier.filter((one) => one !== book)
  account.version += 1
  return { status: 'closed' }
}
