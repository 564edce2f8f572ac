import { Temporal } from 'temporal-polyfill'

/** One billing period: `startMs` belongs to it, `endMs` to the next. */
export interface Period {
  readonly startMs: number
  readonly endMs: number
}

/**
 * The period `index` months after the one of sign-up (0), in the billing time zone. It begins with the local day on which the anchor
 * falls, each month on the same day of the month, or on the last of a shorter month without drifting: 31 January, 28 February, 31 March.
 * Throws RangeError for a zone that does not exist and an index that is no whole number from 0.
 */
export function periodAt(anchorMs: number, timeZone: string, index: number): Period {
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError(`not the index of a period: ${index}`)
  const anchor = localDate(anchorMs, timeZone)
  return { startMs: startOf(anchor, timeZone, index), endMs: startOf(anchor, timeZone, index + 1) }
}

/** Index of the period that contains an instant. Throws RangeError for one before the first period. */
export function periodIndexAt(anchorMs: number, timeZone: string, atMs: number): number {
  const anchor = localDate(anchorMs, timeZone)
  const at = localDate(atMs, timeZone)
  // Months apart, at most one too many: the day of the month decides.
  const months = (at.year - anchor.year) * 12 + at.month - anchor.month
  const index = atMs < startOf(anchor, timeZone, months) ? months - 1 : months
  if (index < 0) throw new RangeError(`${atMs} is before the first period`)
  return index
}

/** The zone's offset from UTC at an instant, ms, east positive. Throws RangeError for a zone that does not exist. */
export function utcOffsetAt(timeZone: string, atMs: number): number {
  return zoned(atMs, timeZone).offsetNanoseconds / 1e6
}

/** Whether the text is an IANA zone that this machine knows ('Europe/Rome', 'UTC'). A bare offset is none: it has no summer time. */
export function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false
  try {
    zoned(0, text)
    return true
  } catch {
    return false
  }
}

function startOf(anchor: Temporal.PlainDate, timeZone: string, months: number): number {
  // Counted from the anchor each time: adding to a clipped date would drift. Where the clock skips midnight, the day begins later.
  return anchor.add({ months }, { overflow: 'constrain' }).toZonedDateTime(timeZone).epochMilliseconds
}

function localDate(atMs: number, timeZone: string): Temporal.PlainDate {
  return zoned(atMs, timeZone).toPlainDate()
}

function zoned(atMs: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone)
}
