import { book } from './booking.ts'
import { bookOf, forgetAt, holdOf, type Ledger, type Name, remember } from './state.ts'
import { moveWindows } from './windows.ts'

export type ExpireAnswer = { readonly status: 'expired' | 'not_due' | 'hold_not_found' }

/** The lease ran out and nobody settled. Charges what was accrued, gives back the rest; a later settle adjusts it. */
export function expire(ledger: Ledger, name: Name): ExpireAnswer {
  const hold = holdOf(ledger, name)
  const account = ledger.state.accounts.get(name.accountId)
  if (hold?.state !== 'active' || account === undefined) return { status: 'hold_not_found' }
  if (hold.deadlineMs > ledger.nowMs() && ledger.rules.expireOnlyPastDeadline) return { status: 'not_due' }
  if (hold.accrued === 0) {
    const begun = bookOf(account, hold.epoch)
    if (begun !== undefined) begun.held -= hold.amount
    account.version += 1
    moveWindows(account, hold.windows, 0, -hold.amount)
    remember(ledger, name, { ...hold, state: 'expired', amount: 0, forgetAtMs: forgetAt(ledger, name.birthMs) })
    return { status: 'expired' }
  }
  const booked = book(ledger, account, {
    ...name,
    kind: 'expired',
    calledIn: hold.epoch,
    row: hold.row,
    windows: hold.windows,
    actual: hold.accrued,
    units: 0,
    before: { charged: 0, uncollected: 0, units: 0 },
    hold: hold.amount,
    drawsQuarantine: false,
  })
  const untilDrained = ledger.rules.tombstoneOutlivesReceipt && booked.n > 0
  remember(ledger, name, {
    ...hold,
    state: 'expired',
    amount: 0,
    charged: booked.charged,
    uncollected: booked.uncollected,
    n: booked.n,
    forgetAtMs: untilDrained ? Number.POSITIVE_INFINITY : forgetAt(ledger, name.birthMs),
  })
  return { status: 'expired' }
}
