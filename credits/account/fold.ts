import { less, sum, toMicro } from '../money.ts'
import { countedGrants } from './counted-grants.ts'
import { keptOf, mostPeriods, ownOf } from './lifetime.ts'
import { taken } from './money-of.ts'
import { type AccountState, currentPeriod, type GrantState } from './state.ts'

/** What is listed one by one. Older periods and grants become sums: an account of ten years still fits in one workflow argument. */
export interface FoldLimits {
  readonly periods: number
  readonly grants: number
  /** Folded grants whose ids are remembered. */
  readonly ids: number
}
const usual: FoldLimits = { periods: mostPeriods, grants: 500, ids: 5000 }

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
  const counting = new Set(countedGrants(state).map(({ id }) => id))
  const finished = new Set<GrantState>()
  for (const grant of state.grants) {
    if (finished.size === excess) break
    // What this period's own grants paid of a debt is in their amounts
    if (!counting.has(grant.id) && ownOf(grant, epoch) === 0) finished.add(grant)
  }
  const folded = state.grants.filter((grant) => finished.has(grant))
  return {
    ...state,
    grants: state.grants.filter((grant) => !finished.has(grant)),
    foldedGrants: [
      ...state.foldedGrants,
      ...folded.map(({ id, source, amount, resets, periods }) => ({
        id,
        source,
        amount,
        resets,
        ...(periods === undefined ? {} : { periods }),
      })),
    ].slice(-limits.ids),
    foldedKept: toMicro(state.foldedKept + sum(folded.map(keptOf))),
  }
}
