import { alertLines } from './alerts.ts'
import { alertId } from './alert-view.ts'
import { isDepleted } from '../level.ts'
import { zero } from '../money.ts'
import type { AlertMail } from './messages.ts'
import { moneyOf } from './money-of.ts'
import { type AccountState, currentPeriod } from './state.ts'

/**
 * What the oldest mail that is due tells, with what is left now; null when none is due, its alert is no longer remembered, or what it would tell is over: the
 * period has ended, or credits came.
 */
export function nextAlertMail(state: AccountState): AlertMail | null {
  const alert = state.alerts.find((each) => alertId(each) === state.mailsDue[0])
  if (alert === undefined) return null
  const { remaining } = moneyOf(state)
  const line = alertLines(state)[state.policies.alerts.indexOf(alert.threshold)]
  if (alert.epoch !== currentPeriod(state).epoch || line === undefined || remaining > line) return null
  return {
    id: `alert-${state.accountId}-${alertId(alert)}`,
    email: state.email,
    threshold: alert.threshold,
    remaining: isDepleted(remaining, state.policies) ? zero : remaining,
    planName: state.plan.name,
    periodEndMs: currentPeriod(state).endMs,
    timeZone: state.timeZone,
  }
}
