import { sum, toMicro, zero } from '../money.ts'
import { periodAt } from '../period.ts'
import { addMoney } from './add-money.ts'
import { changed } from './changed.ts'
import { endingNow } from './counted-grants.ts'
import { fold } from './fold.ts'
import { debtOf } from './money-of.ts'
import { type AccountState, currentPeriod, type PeriodState } from './state.ts'

/**
 * Starts the period that `nowMs` lies in: this period's own money is gone, the plan's allowance is granted anew (a waiting
 * downgrade takes effect), kept money stays. Nothing when the period still runs, so rolling over twice grants once. Periods that
 * were missed altogether are closed at once: the ledger never heard of them, so nothing can be booked there.
 */
export function rollOver(state: AccountState, nowMs: number): AccountState {
  let next = state
  while (nowMs >= currentPeriod(next).endMs)
    next = startNext(next, currentPeriod(next).epoch === currentPeriod(state).epoch)
  return next === state ? state : changed(state, fold(next), nowMs)
}

function startNext(state: AccountState, leavesPublished: boolean): AccountState {
  const left = withDebtPaid(state)
  // The anchor is the moment of sign-up: a period is named by its number, and short months do not shift those after them.
  const { startMs, endMs } = periodAt(state.createdAtMs, state.timeZone, left.epoch)
  const started: PeriodState = {
    epoch: left.epoch + 1,
    startMs,
    endMs,
    free: zero,
    planMoney: zero,
    spent: zero,
    rows: {},
    closed: false,
  }
  const plan = state.pendingPlan ?? state.plan
  const opened = {
    ...state,
    plan,
    pendingPlan: null,
    // A period's plan money says all that its plan grants said; packs and bonuses stay, for the list of grants.
    grants: state.grants.filter((grant) => grant.source !== 'plan'),
    periods: [...state.periods.slice(0, -1), leavesPublished ? left : { ...left, closed: true }, started],
  }
  return addMoney(
    withEnding(opened),
    {
      id: `plan:${started.epoch}`,
      source: 'plan',
      amount: plan.allowance,
      resets: true,
      detail: plan.name,
      by: 'tollgate',
    },
    startMs,
  )
}

/** What is left of kept grants for which this is the last period is its own money from here on: it goes when the period does. */
function withEnding(state: AccountState): AccountState {
  const ending = endingNow(state)
  if (ending.size === 0) return state
  const current = currentPeriod(state)
  return {
    ...state,
    grants: state.grants.map((grant) => {
      const left = ending.get(grant.id)
      return left === undefined ? grant : { ...grant, ending: left }
    }),
    periods: [...state.periods.slice(0, -1), { ...current, free: toMicro(current.free + sum(ending.values())) }],
  }
}

/** The current period as it ends: a debt that its own money has paid is paid, and not asked of the next one again. */
function withDebtPaid(state: AccountState): PeriodState {
  const period = currentPeriod(state)
  const paidDebt = toMicro(Math.min(period.free, debtOf(state)))
  return paidDebt === 0 ? period : { ...period, paidDebt }
}
