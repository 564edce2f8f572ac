import { Temporal } from 'temporal-polyfill'

export interface BillingDay {
  /** As the billing zone's calendar names it: 2026-11-14. */
  readonly day: string
  readonly startMs: number
}

/** The days of the billing zone from the one that contains `fromMs` up to the one that contains the last ms before `toMs`. */
export function billingDays(fromMs: number, toMs: number, timeZone: string): readonly BillingDay[] {
  const days: BillingDay[] = []
  const first = Temporal.Instant.fromEpochMilliseconds(fromMs).toZonedDateTimeISO(timeZone).toPlainDate()
  for (
    let date = first, startMs = dayStart(date, timeZone);
    startMs < toMs;
    date = date.add({ days: 1 }), startMs = dayStart(date, timeZone)
  ) {
    days.push({ day: date.toString(), startMs })
  }
  return days
}

/** First ms of a day in the billing zone. Where the clock skips midnight, the day begins later. */
export function startOfDay(day: string, timeZone: string): number {
  return dayStart(Temporal.PlainDate.from(day), timeZone)
}

/** First ms after a day. */
export function endOfDay(day: string, timeZone: string): number {
  return dayStart(Temporal.PlainDate.from(day).add({ days: 1 }), timeZone)
}

/** 'November 2026' for a calendar month of the zone, else 'Oct 14 – Nov 13, 2026'. */
export function periodLabel(startMs: number, endMs: number, timeZone: string): string {
  const first = Temporal.Instant.fromEpochMilliseconds(startMs).toZonedDateTimeISO(timeZone).toPlainDate()
  const last = Temporal.Instant.fromEpochMilliseconds(endMs - 1)
    .toZonedDateTimeISO(timeZone)
    .toPlainDate()
  if (first.day === 1 && last.day === last.daysInMonth && first.month === last.month)
    return `${months[first.month - 1]} ${first.year}`
  const short = (date: Temporal.PlainDate): string => `${months[date.month - 1]!.slice(0, 3)} ${date.day}`
  return `${short(first)}${first.year === last.year ? '' : `, ${first.year}`} – ${short(last)}, ${last.year}`
}

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

function dayStart(date: Temporal.PlainDate, timeZone: string): number {
  return date.toZonedDateTime(timeZone).epochMilliseconds
}
