import { book } from './booking.ts'
import { meetUnknown } from './gate.ts'
import {
  type Account,
  bookOf,
  emptyHold,
  forgetAt,
  type Hold,
  holdOf,
  type Ledger,
  type Name,
  notLoaded,
  type NotLoaded,
  remember,
} from './state.ts'
import { moveWindows } from './windows.ts'

/** A call that had a part of the hold. */
export interface SharedCall extends Name {
  readonly actual: number
  readonly part: number
  readonly row: string
}

export interface SettleTogetherRequest {
  readonly hold: Name
  /** What of the hold stays for calls that are under way: all when undefined, and with zero it ends. */
  readonly keeps?: number | undefined
  readonly calls: readonly SharedCall[]
}

export type SharedAnswer =
  | { readonly status: 'settled' | 'exists'; readonly charged: number; readonly uncollected: number }
  | { readonly status: 'alone' }
export type SettleTogetherAnswer =
  | { readonly status: 'settled'; readonly calls: readonly SharedAnswer[] }
  | { readonly status: 'hold_not_found' }
  | NotLoaded

const nothing = { charged: 0, uncollected: 0, units: 0 }

/** What several calls under one hold cost, each once per id and paid for up to its own part. Whatever else there is to decide is left to `settle`. */
export function settleTogether(
  ledger: Ledger,
  { hold: name, keeps, calls }: SettleTogetherRequest,
): SettleTogetherAnswer {
  const { rules } = ledger
  const { accountId } = name
  const hold = holdOf(ledger, name)
  if (hold === undefined || (hold.state !== 'active' && rules.companyNeedsItsHold)) return { status: 'hold_not_found' }
  const account = ledger.state.accounts.get(accountId)
  if (account === undefined) return notLoaded
  const { version } = account
  const answers = calls.map((call) => settleOne(ledger, account, hold, call))
  if (keeps !== undefined) giveBack(account, hold, Math.max(0, hold.amount - keeps))
  // No receipt keeps it: it lives as long as the gate can need it
  if (keeps === 0)
    remember(ledger, name, { ...emptyHold, state: 'released', forgetAtMs: forgetAt(ledger, name.birthMs) })
  // Many bookings, one change
  if (account.version > version || keeps === 0) account.version = version + 1
  return { status: 'settled', calls: answers }
}

function settleOne(ledger: Ledger, account: Account, hold: Hold, call: SharedCall): SharedAnswer {
  const { rules } = ledger
  const known = holdOf(ledger, call)
  if (known !== undefined && rules.companyMeetsTombstones) {
    return known.state === 'settled' || known.state === 'released'
      ? { ...known, status: 'exists' }
      : { status: 'alone' }
  }
  if (rules.companyMeetsTheGate && meetUnknown(ledger, account, call, undefined) !== 'new') return { status: 'alone' }
  const most = rules.partPaysForItself ? Math.min(call.actual, call.part) : call.actual
  const paid = rules.companyNeedsItsHold ? Math.min(most, hold.amount) : most
  hold.amount -= paid
  const booked = book(ledger, account, {
    ...call,
    kind: 'settled',
    calledIn: hold.epoch,
    windows: hold.windows,
    units: 1,
    before: nothing,
    hold: paid,
    drawsQuarantine: false,
  })
  if (rules.companyLeavesTombstones) {
    const untilDrained = rules.tombstoneOutlivesReceipt && booked.n > 0
    const forgetAtMs = untilDrained ? Number.POSITIVE_INFINITY : forgetAt(ledger, call.birthMs)
    remember(ledger, call, { ...emptyHold, ...booked, forgetAtMs })
  }
  return { status: 'settled', charged: booked.charged, uncollected: booked.uncollected }
}

function giveBack(account: Account, hold: Hold, amount: number): void {
  if (amount === 0) return
  hold.amount -= amount
  const begun = bookOf(account, hold.epoch)
  if (begun !== undefined) begun.held -= amount
  moveWindows(account, hold.windows, 0, -amount)
  account.version += 1
}
