import { quarantineOf } from './balance.ts'
import { type Account, type Ledger, notLoaded, type NotLoaded } from './state.ts'

export type Snapshot = {
  readonly status: 'loaded'
  readonly nowMs: number
  /** All holds, quarantine included. */
  readonly heldInAll: number
  readonly account: Account
}

/** All that reconciliation sends. The account stays dirty until `ackRows` of this seq: a reconciler may die in between. */
export function snapshot(ledger: Ledger, accountId: string): Snapshot | NotLoaded {
  const account = ledger.state.accounts.get(accountId)
  if (account === undefined) {
    ledger.state.dirty.delete(accountId)
    return notLoaded
  }
  if (!ledger.rules.dirtyUntilAcked) ledger.state.dirty.delete(accountId)
  const held = [account.current, ...account.earlier].reduce((total, book) => total + book.held, 0)
  return {
    status: 'loaded',
    nowMs: ledger.nowMs(),
    heldInAll: held + quarantineOf(ledger, account),
    account: copyOf(account),
  }
}

function copyOf(account: Account): Account {
  const rowsOf = (rows: Account['current']['rows']) =>
    Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, { ...row }]))
  return {
    ...account,
    current: { ...account.current, rows: rowsOf(account.current.rows) },
    earlier: account.earlier.map((book) => ({ ...book, rows: rowsOf(book.rows) })),
    windows: Object.fromEntries(Object.entries(account.windows).map(([name, window]) => [name, { ...window }])),
  }
}
