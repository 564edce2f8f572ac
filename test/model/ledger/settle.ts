import { book } from './booking.ts'
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
import { windowName } from './windows.ts'

export interface SettleRequest extends Name {
  readonly actual: number
  readonly row: string
  readonly levels: readonly string[]
  /** Where the call began, as its reserve was answered. */
  readonly began?: { readonly epoch: number; readonly windows: readonly string[] } | undefined
}
export type SettleAnswer =
  | { readonly status: 'settled' | 'exists'; readonly charged: number; readonly uncollected: number }
  | { readonly status: 'too_old' }
  | NotLoaded
  | AskJournal

const nothing = { charged: 0, uncollected: 0, units: 0 }

/** What the work cost, once per id. It always succeeds: what there is no room for is uncollected. */
export function settle(ledger: Ledger, request: SettleRequest, evidence?: Evidence): SettleAnswer {
  const { rules } = ledger
  const hold = holdOf(ledger, request)
  if (hold?.state === 'settled' || hold?.state === 'released') return { ...hold, status: 'exists' }
  const account = ledger.state.accounts.get(request.accountId)
  if (account === undefined) return notLoaded
  let calledIn = request.began?.epoch ?? account.current.epoch
  let windows = request.began?.windows ?? request.levels.map((level) => windowName(level, ledger.nowMs()))
  let { row } = request
  let before = nothing
  if (hold?.state === 'active') {
    calledIn = hold.epoch
    windows = hold.windows
    if (bookOf(account, calledIn) === undefined) throw new Error('a hold of a period that is gone')
  } else if (hold?.state === 'expired') {
    calledIn = hold.epoch
    windows = hold.windows
    // An expiry that charged nothing left no row
    if (hold.n > 0) row = hold.row
    before = { charged: hold.charged, uncollected: hold.uncollected, units: 0 }
  } else {
    const met = meetUnknown(ledger, account, request, evidence)
    if (met === 'ask') return askJournal(ledger, account)
    if (met === 'too_old') return { status: 'too_old' }
    if (met !== 'new' && met.kind === 'settled') return { ...met, status: 'exists' }
    if (met !== 'new' && met.kind === 'forgotten' && rules.forgottenIsNotNew) return { status: 'too_old' }
    if (met !== 'new' && met.kind === 'expired') {
      if (!rules.foundExpiredAdjusts) return { ...met, status: 'exists' }
      calledIn = met.epoch
      row = met.row
      windows = met.windows
      before = met
    }
  }
  const booked = book(ledger, account, {
    ...request,
    kind: 'settled',
    calledIn,
    row,
    windows,
    units: 1,
    before,
    hold: hold?.state === 'active' ? hold.amount : 0,
    drawsQuarantine: hold === undefined,
  })
  const untilDrained = rules.tombstoneOutlivesReceipt && booked.n > 0
  remember(ledger, request, {
    ...(hold ?? emptyHold),
    state: 'settled',
    amount: 0,
    charged: booked.charged,
    uncollected: booked.uncollected,
    epoch: booked.epoch,
    n: booked.n,
    forgetAtMs: untilDrained ? Number.POSITIVE_INFINITY : forgetAt(ledger, request.birthMs),
  })
  return { status: 'settled', charged: booked.charged, uncollected: booked.uncollected }
}
