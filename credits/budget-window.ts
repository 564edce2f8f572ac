import { Temporal } from 'temporal-polyfill'
import type { BudgetWindow } from './terms.ts'

/** The names of the windows that are open at a moment, as the ledger's scripts spell them (`windowName` in ledger/prelude.lua). */
export function openWindows(nowMs: number, utcOffsetMs: number): Record<BudgetWindow, string> {
  const localMs = nowMs + utcOffsetMs
  const local = new Date(localMs)
  const day = Math.floor(localMs / 86_400_000)
  return {
    day: `d${day}`,
    // 1970-01-01 was a Thursday: weeks begin on Monday.
    week: `w${Math.floor((day + 3) / 7)}`,
    month: `m${local.getUTCFullYear() * 100 + local.getUTCMonth() + 1}`,
    total: 'all',
  }
}

/** When the window that is open at an instant ends, in the billing zone: local midnight, of a day, a Monday or the first of a month. null for `total`. */
export function windowEnd(window: BudgetWindow, nowMs: number, timeZone: string): number | null {
  if (window === 'total') return null
  const today = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(timeZone).toPlainDate()
  const next = {
    day: today.add({ days: 1 }),
    week: today.add({ days: 8 - today.dayOfWeek }),
    month: today.with({ day: 1 }).add({ months: 1 }),
  }[window]
  return next.toZonedDateTime(timeZone).epochMilliseconds
}
