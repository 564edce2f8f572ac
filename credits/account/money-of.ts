import { less, type Micro, sum, toMicro, zero } from '../money.ts'
import { keptOf } from './lifetime.ts'
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
  // Below zero once a charge is refunded whose debt a period has paid: that money is gone with its period.
  const used = less(state.foldedTaken + taken(state.periods.slice(0, -1)), 0)
  return {
    granted,
    used,
    spent: current.spent,
    total: less(granted, used),
    remaining: less(granted, used + current.spent),
  }
}

/** Kept money, gross: every grant that does not reset, of all times, but for what was left of those whose last period has come. */
export function keptGranted(state: AccountState): Micro {
  return toMicro(state.foldedKept + sum(state.grants.map(keptOf)))
}

/** What the account owes: late charges of ended periods beyond their own money and all kept money. This period's own money pays it. */
export function debtOf(state: AccountState): Micro {
  return less(moneyOf(state).used, keptGranted(state))
}

/** What a period may spend of its own, beyond which it takes kept money. */
export function ownMoney({ free, paidDebt = zero }: PeriodState): Micro {
  return less(free, paidDebt)
}

/** What ended periods took from kept money, less the debts that they paid: those were taken by periods before them. */
export function taken(periods: readonly PeriodState[]): number {
  return periods.reduce((total, period) => total + less(period.spent, ownMoney(period)) - (period.paidDebt ?? zero), 0)
}
