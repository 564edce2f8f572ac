import { roomOf } from './balance.ts'
import { book } from './booking.ts'
import { askJournal, type Evidence, meetUnknown } from './gate.ts'
import type { SettleAnswer, SettleRequest } from './settle.ts'
import { bookOf, emptyHold, forgetAt, holdOf, type Ledger, notLoaded, remember } from './state.ts'
import { tightest, windowName } from './windows.ts'

export interface ChargeRequest extends SettleRequest {
  /** The outbox saw a success before. */
  readonly accepted: boolean
}
export type ChargeAnswer = SettleAnswer | { readonly status: 'insufficient' | 'budget_exhausted' }

/** A one-shot debit, all or nothing. One that was accepted before and then lost is never refused: its shortfall is uncollected. */
export function charge(ledger: Ledger, request: ChargeRequest, evidence?: Evidence): ChargeAnswer {
  const { rules } = ledger
  const hold = holdOf(ledger, request)
  if (hold !== undefined) return { ...hold, status: 'exists' }
  const account = ledger.state.accounts.get(request.accountId)
  if (account === undefined) return notLoaded
  const met = meetUnknown(ledger, account, request, evidence)
  if (met === 'ask') return askJournal(ledger, account)
  if (met === 'too_old') return { status: 'too_old' }
  if (met !== 'new' && met.kind === 'forgotten' && rules.forgottenIsNotNew) return { status: 'too_old' }
  if (met !== 'new' && met.kind !== 'forgotten') return { ...met, status: 'exists' }

  const calledIn = request.began?.epoch ?? account.current.epoch
  const windows = request.began?.windows ?? request.levels.map((level) => windowName(level, ledger.nowMs()))
  const accepted = request.accepted && rules.acceptedIsNotRefused
  if (!accepted && request.actual > 0) {
    const room = roomOf(ledger, account, (bookOf(account, calledIn) ?? account.current).epoch)
    if (room < request.actual && (rules.chargeAllOrNothing || room === 0)) return { status: 'insufficient' }
    if ((tightest(account, windows)?.left ?? room) < request.actual) return { status: 'budget_exhausted' }
  }
  const booked = book(ledger, account, {
    ...request,
    kind: 'settled',
    calledIn,
    windows,
    units: 1,
    before: { charged: 0, uncollected: 0, units: 0 },
    hold: 0,
    drawsQuarantine: accepted,
  })
  remember(ledger, request, {
    ...emptyHold,
    charged: booked.charged,
    uncollected: booked.uncollected,
    epoch: booked.epoch,
    n: booked.n,
    forgetAtMs: rules.tombstoneOutlivesReceipt ? Number.POSITIVE_INFINITY : forgetAt(ledger, request.birthMs),
  })
  return { status: 'settled', charged: booked.charged, uncollected: booked.uncollected }
}
