import { type Ledger, markDirty, notLoaded, type NotLoaded, type Terms } from './state.ts'
import { isOver } from './windows.ts'

export type PutTermsAnswer = { readonly status: 'put' | 'older' } | NotLoaded

/** What the account workflow grants, absolute and versioned. */
export function putTerms(ledger: Ledger, accountId: string, terms: Terms): PutTermsAnswer {
  const account = ledger.state.accounts.get(accountId)
  if (account === undefined) return notLoaded
  if (ledger.rules.newerTermsOnly && terms.version <= account.terms.version) return { status: 'older' }
  if (terms.epoch < account.current.epoch) return { status: 'older' }
  if (terms.epoch > account.current.epoch) {
    const over = account.current
    if (ledger.rules.endedEpochsStay) {
      account.earlier.push({ ...over, free: 0, counted: Math.max(0, over.spent) })
    }
    account.current = { epoch: terms.epoch, spent: 0, held: 0, free: 0, counted: 0, rows: {} }
    for (const [name, window] of Object.entries(account.windows)) {
      if (window.held === 0 && isOver(ledger, name)) delete account.windows[name]
    }
    markDirty(ledger, accountId)
  }
  for (const book of account.earlier) {
    const named = terms.earlier.find((one) => one.epoch === book.epoch)
    if (named !== undefined) {
      book.free = named.free
      book.counted = named.counted
    } else if (ledger.rules.closedEpochsCountInFull) {
      // Not named: the workflow has closed it, and all it spent is in `used`. A rollback may have brought it back
      book.counted = Math.max(0, book.spent)
    }
  }
  account.terms = terms
  account.version += 1
  return { status: 'put' }
}
