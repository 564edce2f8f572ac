import { less, type Micro, sum, toMicro } from '../money.ts'
import { type AccountState, currentPeriod, type PeriodState } from './state.ts'

/** The account's money in figures (docs/accounts.md): all derived, none stored. */
export interface AccountMoney {
  /** This period's own money plus all kept money ever granted. */
  readonly granted: Micro
  /** What earlier periods took from kept money, as far as known. */
  readonly used: Micro
  /** Charged in this period, as of the last reconcile. */
  readonly spent: Micro
  /** `granted - used`: the base of percentages. */
  readonly total: Micro
  readonly remaining: Micro
}

export function moneyOf(state: AccountState): AccountMoney {
  const current = currentPeriod(state)
  const granted = toMicro(current.free + keptGranted(state))
  const used = toMicro(state.foldedTaken + sum(state.periods.slice(0, -1).map(takenFromKept)))
  return {
    granted,
    used,
    spent: current.spent,
    total: less(granted, used),
    remaining: less(granted, used + current.spent),
  }
}

/** Kept money, gross: every grant that does not reset, of all times. */
export function keptGranted(state: AccountState): Micro {
  return toMicro(state.foldedKept + sum(state.grants.filter((grant) => !grant.resets).map((grant) => grant.amount)))
}

/** A period spends its own money first; what goes beyond it came out of kept money. */
export function takenFromKept(period: PeriodState): Micro {
  return less(period.spent, period.free)
}
