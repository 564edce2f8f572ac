import type { AccountCard, Terms } from '../terms.ts'
import { alertLines } from './alerts.ts'
import { budgetCards, effectiveBudgets } from './budget-terms.ts'
import { countedGrants } from './counted-grants.ts'
import { moneyOf, ownMoney } from './money-of.ts'
import { type AccountState, currentPeriod } from './state.ts'

/** What the ledger is told: absolute, so that it may be repeated and reordered. See docs/accounts.md and decision 4. */
export function termsOf(state: AccountState): Terms {
  const { granted, used } = moneyOf(state)
  return {
    version: state.termsVersion,
    epoch: currentPeriod(state).epoch,
    granted,
    used,
    earlier: state.periods
      .slice(0, -1)
      .filter((period) => !period.closed)
      .map((period) => ({ epoch: period.epoch, free: ownMoney(period), counted: period.spent })),
    budgets: effectiveBudgets(state),
    utcOffsetMs: state.utcOffsetMs,
    alertsAt: alertLines(state),
    card: cardOf(state),
  }
}

function cardOf(state: AccountState): AccountCard {
  const { startMs, endMs } = currentPeriod(state)
  return {
    accountId: state.accountId,
    plan: state.plan.id,
    planName: state.plan.name,
    allowance: state.plan.allowance,
    periodStartMs: startMs,
    periodEndMs: endMs,
    timeZone: state.timeZone,
    total: moneyOf(state).total,
    grants: countedGrants(state),
    employees: state.employees,
    organizations: state.organizations,
    budgets: budgetCards(state),
    newEmployeeBudget: state.newEmployeeBudget,
  }
}
