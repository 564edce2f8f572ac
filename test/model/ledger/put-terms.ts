import { type Ledger, markDirty, notLoaded, type NotLoaded, type Terms } from './state.ts'
import { isOpen } from './windows.ts'

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
      if (window.held === 0 && !isOpen(ledger, name)) delete account.windows[name]
    }
    markDirty(ledger, accountId)
  }
  for (const { epoch, free, counted } of terms.earlier) {
    const book = account.earlier.find((one) => one.epoch === epoch)
    if (book !== undefined) Object.assign(book, { free, counted })
  }
  account.terms = terms
  account.version += 1
  return { status: 'put' }
}
