import type { AlertView } from './messages.ts'
import type { AlertState } from './state.ts'

export function alertId({ epoch, threshold }: Pick<AlertState, 'epoch' | 'threshold'>): string {
  return `${epoch}-${threshold}`
}

export function alertView(alert: AlertState): AlertView {
  const { epoch, threshold, atMs, acknowledgedAtMs = null } = alert
  return { id: alertId(alert), threshold, epoch, atMs, acknowledgedAtMs }
}
