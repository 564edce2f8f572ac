import { meteredCost } from '../metered-cost.ts'
import { less, type Micro } from '../money.ts'

/** What the last minute of a session is rounded up to; `exact`: not at all. */
export const roundings = ['exact', 'second', 'minute'] as const
export type Rounding = (typeof roundings)[number]

/** What a session costs, settled at its start: it stays so while it runs. */
export interface SessionRate {
  readonly perMinute: Micro
  readonly rounding: Rounding
}

export const minuteMs = 60_000

const grains: Readonly<Record<Rounding, number>> = { exact: 1, second: 1_000, minute: minuteMs }

/** What of so many whole ms is billed. */
export function billedMs(ms: number, { rounding }: Pick<SessionRate, 'rounding'>): number {
  const grain = grains[rounding]
  return Math.ceil(ms / grain) * grain
}

/** What a session of so many whole ms costs in all, rounded up to a micro-credit once. */
export function sessionPrice(ms: number, rate: SessionRate): Micro {
  return meteredCost(billedMs(ms, rate), rate.perMinute)
}

/** What its minute (0, 1, …) adds to that: the minutes sum to the price exactly, however long it lasts. */
export function minutePrice(minute: number, ms: number, rate: SessionRate): Micro {
  const upTo = (end: number): Micro => sessionPrice(Math.min(ms, end * minuteMs), rate)
  return less(upTo(minute + 1), upTo(minute))
}
