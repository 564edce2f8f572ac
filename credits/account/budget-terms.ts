import type { BudgetCard, BudgetTerms } from '../terms.ts'
import type { AccountState } from './state.ts'

/** What the ledger enforces. */
export function effectiveBudgets({ budgets }: AccountState): BudgetTerms[] {
  return budgets.map(({ level, limit, window, atLimit, raise }) => ({
    level,
    limit: raise?.limit ?? limit,
    window,
    atLimit,
  }))
}

/** What pages show. */
export function budgetCards(state: AccountState): BudgetCard[] {
  return effectiveBudgets(state).map((budget, at) => {
    const { version, raise } = state.budgets[at]!
    return { ...budget, version, raisedUntilMs: raise?.untilMs ?? null }
  })
}
