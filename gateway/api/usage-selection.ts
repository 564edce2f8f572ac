import { ApiError } from '../error.ts'
import { endOfDay, startOfDay } from './billing-days.ts'
import type { ApiDeps } from './deps.ts'
import { accepted } from './reading.ts'

export interface UsageSelection {
  /** A period by its number, a range of billing days (both included), or the current period. */
  readonly period?: number | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly organization?: string | undefined
  readonly employee?: string | undefined
}

/** Longest range that pages ask for; a month's table needs no more. */
const mostDays = 92

/** null when a period is asked for. Throws `invalid_request` for what is no range of days. */
export function rangeOf(
  { from, to, period }: UsageSelection,
  timeZone: string,
): { fromMs: number; toMs: number } | null {
  if (from === undefined && to === undefined) return null
  if (from === undefined || to === undefined || period !== undefined)
    throw invalid('query.from', 'give from and to together, and no period beside them')
  const range = { fromMs: startOfDay(from, timeZone), toMs: endOfDay(to, timeZone) }
  if (range.toMs <= range.fromMs) throw invalid('query.to', 'lies before from')
  // A day is up to 25 hours long where the clock changes.
  if (range.toMs - range.fromMs > mostDays * 86_400_000 + 3_600_000)
    throw invalid('query.to', `a range has at most ${mostDays} days`)
  return range
}

function invalid(path: string, message: string): ApiError {
  return new ApiError('invalid_request', `${path}: ${message}`, { fields: { issues: [{ path, message }] } })
}

/** The current period's bounds are on the account's card; earlier ones the workflow knows. */
export async function boundsOf(
  { accounts }: Pick<ApiDeps, 'accounts'>,
  accountId: string,
  epoch: number,
  now: { epoch: number; card: { periodStartMs: number; periodEndMs: number } },
) {
  if (epoch === now.epoch) return { fromMs: now.card.periodStartMs, toMs: now.card.periodEndMs }
  const { view } = accepted(await accounts.view(accountId))
  const period = view.periods.find((each) => each.epoch === epoch)
  if (period === undefined) throw new ApiError('not_found', `this account has no period ${epoch}`)
  return { fromMs: period.startMs, toMs: period.endMs }
}
