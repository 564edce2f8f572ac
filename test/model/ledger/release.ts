import { askJournal, type Evidence, meetUnknown } from './gate.ts'
import {
  type AskJournal,
  bookOf,
  emptyHold,
  forgetAt,
  holdOf,
  type Ledger,
  type Name,
  notLoaded,
  type NotLoaded,
  remember,
} from './state.ts'
import { moveWindows } from './windows.ts'

export type ReleaseAnswer = { readonly status: 'released' | 'exists' } | NotLoaded | AskJournal

/** The work never ran. An unknown id gets a tombstone, so that a reserve which arrives after we gave up is dead. */
export function release(ledger: Ledger, name: Name, evidence?: Evidence): ReleaseAnswer {
  const hold = holdOf(ledger, name)
  if (hold !== undefined && hold.state !== 'active') return { status: 'exists' }
  const account = ledger.state.accounts.get(name.accountId)
  if (account === undefined) return notLoaded
  if (hold !== undefined) {
    const book = bookOf(account, hold.epoch)
    if (book !== undefined) book.held -= hold.amount
    account.version += 1
    moveWindows(account, hold.windows, 0, -hold.amount)
  } else {
    if (!ledger.rules.releasePlantsTombstone) return { status: 'released' }
    const met = meetUnknown(ledger, account, name, evidence)
    if (met === 'ask') return askJournal(ledger, account)
    if (met !== 'new') return { status: 'exists' }
  }
  // No receipt keeps it: it lives as long as the gate can need it
  remember(ledger, name, { ...emptyHold, state: 'released', forgetAtMs: forgetAt(ledger, name.birthMs) })
  return { status: 'released' }
}
