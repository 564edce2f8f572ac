import { toMicro, type Micro } from '../money.ts'
import { alertId } from './alert-view.ts'
import { moneyOf } from './money-of.ts'
import { type AccountState, currentPeriod } from './state.ts'

/** Periods whose alerts are remembered: those that pages still list. */
const rememberedPeriods = 13

/**
 * Notes every threshold that `remaining` has reached, once per period, however often it is crossed again. A period without any
 * money raises none: nothing was used up. A fall through several thresholds at once notes each of them at the same moment.
 */
export function raiseAlerts(state: AccountState, nowMs: number): AccountState {
  const { remaining, total } = moneyOf(state)
  if (total === 0) return state
  const { epoch } = currentPeriod(state)
  const before = new Set(state.alerts.filter((alert) => alert.epoch === epoch).map((alert) => alert.threshold))
  const lines = alertLines(state)
  const crossed = state.policies.alerts.filter(
    (threshold, index) => remaining <= lines[index]! && !before.has(threshold),
  )
  if (crossed.length === 0) return state
  const remembered = state.alerts.filter((alert) => alert.epoch > epoch - rememberedPeriods)
  const raised = crossed.map((threshold) => ({ epoch, threshold, atMs: nowMs }))
  // One mail, about the worst of them.
  const mail = state.policies.mailsAlerts === true ? [alertId(raised.at(-1)!)] : []
  return { ...state, alerts: [...remembered, ...raised], mailsDue: [...state.mailsDue, ...mail] }
}

/** Per threshold, the highest `remaining` at which it is reached; below `depletedBelow` an account reads 0, so there all of them are. */
export function alertLines(state: AccountState): Micro[] {
  const { total } = moneyOf(state)
  const depleted = Math.max(0, state.policies.depletedBelow - 1)
  return state.policies.alerts.map((percent) =>
    toMicro(Math.max(depleted, Number((BigInt(total) * BigInt(percent)) / 100n))),
  )
}
