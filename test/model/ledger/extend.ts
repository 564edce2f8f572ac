import { roomOf } from './balance.ts'
import { bookOf, holdOf, type Ledger, type Name } from './state.ts'
import { moveWindows, tightest } from './windows.ts'

export interface ExtendRequest extends Name {
  /** What the work has cost so far, cumulative. */
  readonly accrued: number
  readonly more: number
  readonly ttlMs: number
}
export type ExtendAnswer =
  | { readonly status: 'extended' | 'refused'; readonly held: number }
  | { readonly status: 'hold_not_found' }

/** The next slice of a lease. Progress is recorded and the deadline renewed even when more is refused. */
export function extend(ledger: Ledger, { accrued, more, ttlMs, ...name }: ExtendRequest): ExtendAnswer {
  const { rules } = ledger
  const hold = holdOf(ledger, name)
  const account = ledger.state.accounts.get(name.accountId)
  const book = hold === undefined || account === undefined ? undefined : bookOf(account, hold.epoch)
  if (hold?.state !== 'active' || account === undefined || book === undefined) return { status: 'hold_not_found' }
  const room = roomOf(ledger, account, book.epoch)
  const give = Math.min(more, room, tightest(account, hold.windows)?.left ?? room)
  const refused = more > 0 && give === 0
  if (!refused || rules.refusalRecordsProgress) {
    hold.accrued = rules.accruedOnlyGrows ? Math.max(hold.accrued, accrued) : accrued
    hold.deadlineMs = ledger.nowMs() + ttlMs
  }
  hold.amount += give
  book.held += give
  if (give > 0) account.version += 1
  moveWindows(account, hold.windows, 0, give)
  return { status: refused ? 'refused' : 'extended', held: hold.amount }
}
