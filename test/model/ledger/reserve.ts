import { availableOf } from './balance.ts'
import { askJournal, type Evidence, meetUnknown } from './gate.ts'
import {
  type AskJournal,
  emptyHold,
  holdOf,
  type Ledger,
  type Name,
  notLoaded,
  type NotLoaded,
  remember,
} from './state.ts'
import { moveWindows, tightest, windowName } from './windows.ts'

export interface ReserveRequest extends Name {
  readonly amount: number
  readonly minimum: number
  /** So much must stay free, of the balance and under every limit. */
  readonly beside?: number
  readonly ttlMs: number
  readonly row: string
  readonly levels: readonly string[]
  /** What the caller read of its budgets before: only asked for where the script itself does not look. */
  readonly leftByLevels?: number
}

export type ReserveAnswer =
  | {
      readonly status: 'created' | 'exists'
      readonly held: number
      readonly epoch: number
      readonly windows: readonly string[]
    }
  | { readonly status: 'already_charged' | 'too_old' }
  | { readonly status: 'insufficient' | 'budget_exhausted' }
  | NotLoaded
  | AskJournal

/** Sets credits aside before work starts. Nothing is accrued yet: a price accrued here would bill calls that never ran. */
export function reserve(ledger: Ledger, request: ReserveRequest, evidence?: Evidence): ReserveAnswer {
  const { rules } = ledger
  const hold = holdOf(ledger, request)
  if (hold?.state === 'active') return { status: 'exists', held: hold.amount, epoch: hold.epoch, windows: hold.windows }
  if (hold !== undefined) return { status: 'already_charged' }
  const account = ledger.state.accounts.get(request.accountId)
  if (account === undefined) return notLoaded
  if (rules.reserveAsksToo) {
    const met = meetUnknown(ledger, account, request, evidence)
    if (met === 'ask') return askJournal(ledger, account)
    if (met === 'too_old') return { status: 'too_old' }
    if (met !== 'new' && (met.kind !== 'forgotten' || rules.forgottenIsNotNew)) return { status: 'already_charged' }
  }
  const available = availableOf(ledger, account)
  const { beside = 0 } = request
  const least = Math.max(1, request.minimum + beside)
  if (available < least) return { status: 'insufficient' }
  const windows = request.levels.map((level) => windowName(level, ledger.nowMs()))
  const left = rules.levelsInOneScript
    ? (tightest(account, windows)?.left ?? available)
    : (request.leftByLevels ?? available)
  if (left < least) return { status: 'budget_exhausted' }
  const give = Math.min(request.amount, available - beside, left - beside)

  account.current.held += give
  account.version += 1
  moveWindows(account, windows, 0, give)
  remember(ledger, request, {
    ...emptyHold,
    state: 'active',
    asked: request.amount,
    amount: give,
    accrued: rules.armByExtend ? 0 : give,
    epoch: account.current.epoch,
    row: request.row,
    windows,
    deadlineMs: ledger.nowMs() + request.ttlMs,
  })
  return { status: 'created', held: give, epoch: account.current.epoch, windows }
}
