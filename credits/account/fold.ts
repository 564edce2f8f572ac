import { less, sum, toMicro } from '../money.ts'
import { moneyOf, taken } from './money-of.ts'
import { type AccountState, currentPeriod, type GrantState } from './state.ts'

/** What is listed one by one. Older periods and grants become sums: an account of ten years still fits in one workflow argument. */
export interface FoldLimits {
  readonly periods: number
  readonly grants: number
  /** Folded grants whose ids are remembered. */
  readonly ids: number
}
const usual: FoldLimits = { periods: 36, grants: 500, ids: 5000 }

/** Folds the oldest closed periods and the oldest finished grants into sums. No balance changes by it. */
export function fold(state: AccountState, limits: FoldLimits = usual): AccountState {
  return foldGrants(foldPeriods(state, limits), limits)
}

function foldPeriods(state: AccountState, limits: FoldLimits): AccountState {
  const excess = Math.max(0, state.periods.length - limits.periods)
  // Only from the old end, and never beyond a period that is still open.
  const open = state.periods.findIndex((period) => !period.closed)
  const folded = state.periods.slice(0, Math.min(excess, open))
  if (folded.length === 0) return state
  return {
    ...state,
    periods: state.periods.slice(folded.length),
    foldedTaken: less(state.foldedTaken + taken(folded), 0),
  }
}

function foldGrants(state: AccountState, limits: FoldLimits): AccountState {
  const excess = state.grants.length - limits.grants
  if (excess <= 0) return state
  const { epoch } = currentPeriod(state)
  // A kept grant is finished once earlier periods have taken all of it; kept money is taken oldest first.
  let used: number = less(moneyOf(state).used, state.foldedKept)
  const finished = new Set<GrantState>()
  for (const grant of state.grants) {
    if (finished.size === excess) break
    if (grant.resets ? grant.epoch < epoch : grant.amount <= used) finished.add(grant)
    if (!grant.resets) used = less(used, grant.amount)
  }
  const folded = state.grants.filter((grant) => finished.has(grant))
  return {
    ...state,
    grants: state.grants.filter((grant) => !finished.has(grant)),
    foldedGrants: [
      ...state.foldedGrants,
      ...folded.map(({ id, source, amount, resets }) => ({ id, source, amount, resets })),
    ].slice(-limits.ids),
    foldedKept: toMicro(state.foldedKept + sum(folded.filter((grant) => !grant.resets).map((grant) => grant.amount))),
  }
}
