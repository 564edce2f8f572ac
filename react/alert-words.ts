import type { Alert } from './api/shapes.ts'
import type { Translate } from './messages.ts'

/** What an alert says. */
export function alertWords(t: Translate, { threshold }: Pick<Alert, 'threshold'>): string {
  if (threshold === 0) return t('alerts.depleted')
  return t(threshold <= 15 ? 'alerts.critical' : 'alerts.low', { percent: `${threshold}%` })
}
