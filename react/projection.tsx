import type { ReactNode } from 'react'
import type { Calendar } from '../credits/calendar.ts'
import { toMicro } from '../credits/money.ts'
import type { Balance } from './api/shapes.ts'
import { useCredits } from './provider.tsx'

const soonMs = 48 * 3_600_000

/** Where the account is heading at its pace: an estimate, and nothing where there is none. */
export function Projection({
  balance: { projection, periodEnd },
  nowMs,
  calendar,
}: {
  readonly balance: Balance
  readonly nowMs: number
  readonly calendar: Calendar
}): ReactNode {
  const { formats, t } = useCredits()
  if (projection === null) return null
  const runOutMs = projection.runOutAt === null ? null : Date.parse(projection.runOutAt)
  const text =
    runOutMs === null
      ? t('menu.onPace', {
          count: formats.remaining(toMicro(projection.leftAtEnd ?? 0)),
          date: calendar.day(Date.parse(periodEnd)),
        })
      : runOutMs - nowMs < soonMs
        ? t('menu.runsOutSoon', { until: calendar.until(runOutMs, nowMs) })
        : t('menu.runsOut', { date: calendar.day(runOutMs) })
  return (
    <p>
      {text}{' '}
      <span className="cr-soft">
        ({t('menu.estimate')}, {t('menu.basis', { days: projection.basisDays })})
      </span>
    </p>
  )
}
