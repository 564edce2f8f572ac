import { less, type Micro, toMicro } from './money.ts'

/** What was spent in a stretch of time that ends now, µcr and ms. */
export interface Pace {
  readonly spent: number
  readonly overMs: number
}

export interface Projection {
  /** When nothing is left, if that is before the period ends; ms since epoch. */
  readonly runOutMs: number | null
  /** Else what is left when it ends, µcr. */
  readonly leftAtEnd: Micro | null
  /** Of how many days the pace is, to a tenth. */
  readonly basisDays: number
}

const dayMs = 86_400_000
/** The stretch that a pace is of, where the period is old enough. */
export const paceMs = 7 * dayMs

/** Where the balance is going if it goes on like this. null where nothing can be said: less than a day, nothing spent, or nothing left. */
export function project(
  pace: Pace,
  { remaining, nowMs, endMs }: { readonly remaining: Micro; readonly nowMs: number; readonly endMs: number },
): Projection | null {
  const { spent, overMs } = pace
  if (overMs < dayMs || spent <= 0 || remaining === 0) return null
  const basisDays = Math.round((10 * overMs) / dayMs) / 10
  const lastsMs = divideUp(remaining, overMs, spent)
  if (nowMs + lastsMs < endMs) return { runOutMs: nowMs + lastsMs, leftAtEnd: null, basisDays }
  const stillSpent = divideUp(spent, Math.max(0, endMs - nowMs), overMs)
  return { runOutMs: null, leftAtEnd: less(remaining, toMicro(stillSpent)), basisDays }
}

/** `a × b ÷ c`, rounded up; exact at any size of account. Beyond what a number can say: the largest that it can. */
function divideUp(a: number, b: number, c: number): number {
  const result = (BigInt(a) * BigInt(b) + BigInt(c) - 1n) / BigInt(c)
  return result > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(result)
}
