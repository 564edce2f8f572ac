import { alertId, alertView } from './alert-view.ts'
import type { AcknowledgeAlert, AlertAnswer } from './messages.ts'
import { type AccountState, type Outcome, refuse } from './state.ts'

/** Notes that the user has seen an alert; the first time stands. Refuses with `alert_unknown`: there is none, or it is older than what is remembered. */
export function acknowledgeAlert(state: AccountState, { id }: AcknowledgeAlert, nowMs: number): Outcome<AlertAnswer> {
  const at = state.alerts.findIndex((alert) => alertId(alert) === id)
  if (at < 0) return refuse('alert_unknown', `this account has no alert ${id}`)
  const alert = { ...state.alerts[at]!, acknowledgedAtMs: state.alerts[at]!.acknowledgedAtMs ?? nowMs }
  return { ok: true, state: { ...state, alerts: state.alerts.with(at, alert) }, answer: { alert: alertView(alert) } }
}
