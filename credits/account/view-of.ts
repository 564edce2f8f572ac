import { leftOf } from '../burn.ts'
import { zero } from '../money.ts'
import { alertView } from './alert-view.ts'
import type { AccountView, GrantView, PeriodView } from './messages.ts'
import { lastEpochOf } from './lifetime.ts'
import { countedGrants } from './counted-grants.ts'
import { type AccountState, currentPeriod } from './state.ts'
import { termsOf } from './terms-of.ts'

/** All that the account knows, newest first, as of the last reconcile. */
export function viewOf(state: AccountState): AccountView {
  const period = currentPeriod(state)
  return {
    accountId: state.accountId,
    email: state.email,
    createdAtMs: state.createdAtMs,
    timeZone: state.timeZone,
    plan: state.plan.id,
    planName: state.plan.name,
    pendingPlan:
      state.pendingPlan === null
        ? null
        : { id: state.pendingPlan.id, name: state.pendingPlan.name, fromMs: period.endMs },
    lineage: state.lineage,
    seq: state.seq,
    held: state.held,
    terms: termsOf(state),
    grants: [...grantViews(state), ...takenBackViews(state)].toSorted((one, other) => other.atMs - one.atMs),
    periods: state.periods
      .map(({ epoch, startMs, endMs, free, spent, rows, closed }): PeriodView => ({
        epoch,
        startMs,
        endMs,
        granted: free,
        spent,
        rows,
        closed,
      }))
      .reverse(),
    alerts: state.alerts.map(alertView).reverse(),
    employees: state.employees,
  }
}

function grantViews(state: AccountState): GrantView[] {
  const period = currentPeriod(state)
  const leftById = new Map(leftOf(countedGrants(state), period.spent).map(({ grant, left }) => [grant.id, left]))
  const endMsByEpoch = new Map(state.periods.map(({ epoch, endMs }) => [epoch, endMs]))
  return [...state.grants].reverse().map((grant) => {
    // What a late refund gave back to one that has ended is there
    const gone = lastEpochOf(grant) < period.epoch && !leftById.has(grant.id)
    const remains = gone ? zero : (leftById.get(grant.id) ?? zero)
    const { id, atMs, source, detail, by, amount } = grant
    const status = gone ? 'reset' : remains === 0 ? 'used_up' : 'active'
    return {
      id,
      atMs,
      source,
      detail,
      by,
      amount,
      left: remains,
      status,
      resetsAtMs: grant.resets ? (endMsByEpoch.get(grant.epoch) ?? null) : (grant.endsAtMs ?? null),
    }
  })
}

function takenBackViews({ takenBack }: AccountState): GrantView[] {
  return takenBack.map(({ id, atMs, amount, detail, by }) => ({
    id,
    atMs,
    source: 'adjustment',
    detail,
    by,
    amount: 0 - amount,
    left: zero,
    status: 'used_up',
    resetsAtMs: null,
  }))
}
