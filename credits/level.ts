import type { Policies } from './catalogue.ts'
import { less } from './money.ts'
import type { Micro } from './money.ts'

export type BalanceLevel = 'ok' | 'warn' | 'critical' | 'depleted' | 'unknown'

/** Whether so little is left that it counts as nothing: the one answer for gate, alerts, parking and pages. */
export function isDepleted(remaining: number, { depletedBelow }: Pick<Policies, 'depletedBelow'>): boolean {
  return remaining <= 0 || remaining < depletedBelow
}

/** `remaining` as pages and percentages show it: a depleted balance is 0. */
export function shownRemaining(remaining: number, policies: Pick<Policies, 'depletedBelow'>): Micro {
  return isDepleted(remaining, policies) ? less(0, 0) : less(remaining, 0)
}

/**
 * The colour of a balance, from `shownRemaining` and the money of its period; `total` null when that is not known.
 * It agrees with `percentLeft`: the label is at most 25 % exactly when the level is warn or worse.
 */
export function levelOf(remaining: number, total: Micro | null): BalanceLevel {
  if (total === null) return 'unknown'
  if (remaining <= 0 || total === 0) return 'depleted'
  if (atMost(remaining, total, 15)) return 'critical'
  return atMost(remaining, total, 25) ? 'warn' : 'ok'
}

/** Whether `remaining` is at most `percent` % of `total`, exactly, at any size of account. */
export function atMost(remaining: number, total: number, percent: number): boolean {
  return BigInt(Math.max(0, remaining)) * 100n <= BigInt(total) * BigInt(percent)
}

/** '76%', '<1%', '0%': rounded up, except that 100 % means all of it. To be followed by the word "left". null when there is no total. */
export function percentLeft(remaining: number, total: Micro | null): string | null {
  if (total === null) return null
  if (remaining <= 0 || total === 0) return '0%'
  const [part, whole] = [BigInt(remaining) * 100n, BigInt(total)]
  if (part >= whole * 100n) return '100%'
  if (part < whole) return '<1%'
  if (part > whole * 99n) return '99%'
  return `${(part + whole - 1n) / whole}%`
}

/** The counterpart, to be followed by the word "used": 100 − `percentLeft`. */
export function percentUsed(remaining: number, total: Micro | null): string | null {
  const left = percentLeft(remaining, total)
  if (left === null) return null
  return left === '<1%' ? '>99%' : `${100 - Number.parseInt(left, 10)}%`
}
