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
