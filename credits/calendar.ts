/** Days and periods in words, in the billing zone: whoever looks from elsewhere sees the same days. */
export interface Calendar {
  /** 'November 2026' for a calendar month, else 'Oct 14 – Nov 13, 2026', the last day included. */
  readonly period: (startMs: number, endMs: number) => string
  /** 'Nov 14'. */
  readonly day: (ms: number) => string
  /** '2026-11-14', as the API takes it. */
  readonly isoDay: (ms: number) => string
  /** 'Nov 14, 2026'. */
  readonly date: (ms: number) => string
  /** '10:42', on the viewer's clock. */
  readonly clock: (ms: number) => string
  /** 'Nov 14, 2026, 10:42:07 CET', on the viewer's clock. */
  readonly moment: (ms: number) => string
  /** 'in 9 days', 'in 5 hours'. */
  readonly until: (ms: number, nowMs: number) => string
}

const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000]

/** `timeZone`: the account's; `viewerZone`: the viewer's, undefined for that of this machine. Throws RangeError for what is no locale or zone. */
export function createCalendar(locale: string, timeZone: string, viewerZone?: string): Calendar {
  const billing = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { ...options, timeZone })
  const viewer = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { ...options, ...(viewerZone === undefined ? {} : { timeZone: viewerZone }) })
  const month = billing({ year: 'numeric', month: 'long' })
  const day = billing({ month: 'short', day: 'numeric' })
  const date = billing({ year: 'numeric', month: 'short', day: 'numeric' })
  const parts = billing({ year: 'numeric', month: 'numeric', day: 'numeric' })
  const iso = new Intl.DateTimeFormat('en', { year: 'numeric', month: '2-digit', day: '2-digit', timeZone })
  const clock = viewer({ hour: '2-digit', minute: '2-digit' })
  const moment = viewer({
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  })
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'always' })
  const dayOfMonth = (ms: number) => parts.formatToParts(ms).find(({ type }) => type === 'day')?.value
  return {
    // The last day is that of the last moment: where clocks change, a day has not always 24 hours
    period: (startMs, endMs) =>
      dayOfMonth(startMs) === dayOfMonth(endMs) && month.format(startMs) === month.format(endMs - 1)
        ? month.format(startMs)
        : date.formatRange(startMs, endMs - 1),
    day: (ms) => day.format(ms),
    isoDay: (ms) => isoDay(iso.formatToParts(ms)),
    date: (ms) => date.format(ms),
    clock: (ms) => clock.format(ms),
    moment: (ms) => moment.format(ms),
    until(ms, nowMs) {
      const left = Math.max(0, ms - nowMs)
      if (left >= 2 * dayMs) return relative.format(Math.floor(left / dayMs), 'day')
      if (left >= hourMs) return relative.format(Math.floor(left / hourMs), 'hour')
      return relative.format(Math.ceil(left / minuteMs), 'minute')
    },
  }
}

function isoDay(parts: readonly Intl.DateTimeFormatPart[]): string {
  const of = (name: string) => parts.find(({ type }) => type === name)?.value ?? ''
  return `${of('year')}-${of('month')}-${of('day')}`
}
