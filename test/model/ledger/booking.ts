import { expiredLeft, quarantineOf, roomOf } from './balance.ts'
import { type Account, type Book, bookOf, type Ledger, markDirty, type Name, type Receipt } from './state.ts'
import { moveWindows } from './windows.ts'

export interface Booking extends Name {
  readonly kind: Receipt['kind']
  readonly calledIn: number
  readonly row: string
  readonly windows: readonly string[]
  readonly actual: number
  readonly units: number
  /** What of it was booked before. */
  readonly before: { readonly charged: number; readonly uncollected: number; readonly units: number }
  /** What the call itself holds, and in which book. */
  readonly hold: number
  readonly drawsQuarantine: boolean
}

export interface Booked {
  readonly charged: number
  readonly uncollected: number
  readonly epoch: number
  readonly n: number
}

/** Books what a charge has come to: row, spent, receipt, dirty mark. Shared by settle, charge and expire. */
export function book(ledger: Ledger, account: Account, booking: Booking): Booked {
  const { rules } = ledger
  const { before, kind, windows } = booking
  // What the call holds is its own, though the grant that it came from has expired meanwhile
  const expired = rules.holdsOutliveGrants ? expiredLeft(ledger, account) : undefined
  const begun = bookOf(account, booking.calledIn)
  if (begun !== undefined) begun.held -= booking.hold
  const target = rules.callKeepsItsEpoch
    ? (begun ?? withoutItsEpoch(ledger, account, booking.calledIn))
    : account.current
  if (booking.drawsQuarantine && rules.quarantineFirst) {
    account.quarantine =
      quarantineOf(ledger, account) -
      Math.min(quarantineOf(ledger, account), Math.max(0, booking.actual - before.charged))
  }
  let actual = booking.actual
  if (kind === 'settled' && before.charged + before.uncollected > 0) {
    if (!rules.lateSettleAdjustsUp) actual = Math.min(actual, before.charged)
    if (!rules.lateSettleAdjustsDown) actual = Math.max(actual, before.charged)
  }
  const room = rules.settleWithinRoom ? roomOf(ledger, account, target.epoch, expired) : Number.POSITIVE_INFINITY
  const charged = Math.min(actual, before.charged + room)
  const uncollected = actual - charged
  const delta = charged - before.charged
  const writesReceipt =
    (rules.zeroWritesReceipt || actual > 0 || before.charged > 0) && (rules.expiryWritesReceipt || kind === 'settled')

  target.spent += delta
  account.seq += 1
  account.version += 1
  moveWindows(account, windows, delta, -booking.hold)
  const row = (target.rows[booking.row] ??= { charged: 0, uncollected: 0, units: 0 })
  row.charged += delta
  row.uncollected += uncollected - before.uncollected
  row.units += booking.units - before.units
  markDirty(ledger, booking.accountId)
  if (!writesReceipt) return { charged, uncollected, epoch: target.epoch, n: 0 }

  account.n += 1
  // Entry ids grow by Redis' clock, and never fall within one stream
  ledger.state.lastEntryId = Math.max(ledger.nowMs() * 1000, ledger.state.lastEntryId + 1)
  ledger.state.stream.push({
    entryId: ledger.state.lastEntryId,
    receipt: {
      accountId: booking.accountId,
      id: booking.id,
      birthMs: booking.birthMs,
      kind,
      epoch: target.epoch,
      row: booking.row,
      windows,
      charged: rules.receiptCarriesTotals ? charged : delta,
      uncollected: rules.receiptCarriesTotals ? uncollected : uncollected - before.uncollected,
      units: booking.units,
      lineage: account.lineage,
      n: account.n,
      late: target !== account.current,
    },
  })
  return { charged, uncollected, epoch: target.epoch, n: account.n }
}

/** A period that has left Redis is booked in the current one: a partial row must not overwrite its archive. */
function withoutItsEpoch({ rules }: Ledger, account: Account, epoch: number): Book {
  if (rules.goneEpochBooksInCurrent) return account.current
  const partial = { epoch, spent: 0, held: 0, free: 0, counted: 0, rows: {} }
  account.earlier.push(partial)
  return partial
}
