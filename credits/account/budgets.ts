import type { BudgetRule } from '../terms.ts'
import { countable, mostCredits } from './add-money.ts'
import { changed } from './changed.ts'
import type { RaiseBudget, RemoveBudget, SaveBudget, TermsAnswer } from './messages.ts'
import { rollOver } from './roll-over.ts'
import { type AccountState, type BudgetState, type Outcome, refuse } from './state.ts'
import { termsOf } from './terms-of.ts'

/** They travel with every version of the terms; the ledger looks at those of a call alone. */
const mostBudgets = 1000
const tooMuch = refuse('amount_invalid', `a budget is at most ${mostCredits} credits`)

/**
 * Sets a budget, or what new employees get. It counts at once, with what its window has spent already: lowered below that it refuses at once, raised it frees at once; another window counts anew from what that window
 * spent. A temporary raise ends with it. Refuses with `version_conflict`, `amount_invalid` and `too_many_budgets`.
 */
export function saveBudget(
  state: AccountState,
  { level, limit, window, atLimit, expectedVersion }: SaveBudget,
  nowMs: number,
): Outcome<TermsAnswer> {
  const current = rollOver(state, nowMs)
  const rule: BudgetRule = { limit, window, atLimit }
  if (!countable(limit)) return tooMuch
  if (level === 'default') return saved(current, { newEmployeeBudget: rule }, nowMs)
  const known = current.budgets.find((budget) => budget.level === level)
  const version = known?.version ?? 0
  if (expectedVersion !== undefined && expectedVersion !== version)
    return refuse('version_conflict', `the budget of ${level} was changed meanwhile: it has version ${version}`)
  if (known !== undefined && known.raise === null && sameRule(known, rule)) return saved(current, {}, nowMs)
  if (known === undefined && current.budgets.length >= mostBudgets)
    return refuse('too_many_budgets', `an account has at most ${mostBudgets} budgets`)
  const budget: BudgetState = { level, ...rule, version: nextVersion(current), raise: null }
  return saved(current, { budgets: withBudget(current.budgets, budget) }, nowMs)
}

/** Removes a budget; what was spent goes on being counted. Safe to repeat. */
export function removeBudget(state: AccountState, { level }: RemoveBudget, nowMs: number): Outcome<TermsAnswer> {
  const current = rollOver(state, nowMs)
  if (level === 'default') return saved(current, { newEmployeeBudget: null }, nowMs)
  return saved(current, { budgets: current.budgets.filter((budget) => budget.level !== level) }, nowMs)
}

/** Raises a budget for a while. Refuses with `budget_unknown` and `amount_invalid`. */
export function raiseBudget(
  state: AccountState,
  { level, limit, untilMs }: RaiseBudget,
  nowMs: number,
): Outcome<TermsAnswer> {
  const current = rollOver(state, nowMs)
  if (!countable(limit)) return tooMuch
  const known = current.budgets.find((budget) => budget.level === level)
  if (known === undefined) return refuse('budget_unknown', `there is no budget of ${level}`)
  const raise = untilMs <= nowMs ? null : { limit, untilMs }
  const budget = { ...known, version: nextVersion(current), raise }
  return saved(current, { budgets: withBudget(current.budgets, budget) }, nowMs)
}

/** Each change of a budget changes the terms: their versions go up for good, so that one that was removed and set again is not taken for the old one. */
function nextVersion({ termsVersion }: AccountState): number {
  return termsVersion + 1
}

/** The budget of an employee that is created now, where there is a default. */
export function withDefaultBudget(state: AccountState, employee: string): AccountState {
  const level = `employee:${employee}`
  const rule = state.newEmployeeBudget
  const isFull = state.budgets.length >= mostBudgets
  if (rule === null || isFull || state.budgets.some((budget) => budget.level === level)) return state
  return { ...state, budgets: [...state.budgets, { level, ...rule, version: nextVersion(state), raise: null }] }
}

/** When the first temporary raise ends; null without any. */
export function firstRaiseEnd({ budgets }: AccountState): number | null {
  const ends = budgets.flatMap(({ raise }) => (raise === null ? [] : [raise.untilMs]))
  return ends.length === 0 ? null : Math.min(...ends)
}

/** The account without the raises that have ended. */
export function endRaises(state: AccountState, nowMs: number): AccountState {
  if ((firstRaiseEnd(state) ?? Number.POSITIVE_INFINITY) > nowMs) return state
  const budgets = state.budgets.map((budget) =>
    budget.raise !== null && budget.raise.untilMs <= nowMs
      ? { ...budget, version: nextVersion(state), raise: null }
      : budget,
  )
  return changed(state, { ...state, budgets }, nowMs)
}

function saved(
  state: AccountState,
  change: Partial<Pick<AccountState, 'budgets' | 'newEmployeeBudget'>>,
  nowMs: number,
): Outcome<TermsAnswer> {
  const next = changed(state, { ...state, ...change }, nowMs)
  return { ok: true, state: next, answer: { terms: termsOf(next) } }
}

function withBudget(budgets: readonly BudgetState[], budget: BudgetState): readonly BudgetState[] {
  const at = budgets.findIndex(({ level }) => level === budget.level)
  return at < 0 ? [...budgets, budget] : budgets.with(at, budget)
}

function sameRule(one: BudgetRule, other: BudgetRule): boolean {
  return one.limit === other.limit && one.window === other.window && one.atLimit === other.atLimit
}
