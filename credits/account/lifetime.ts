import { less, type Micro, zero } from '../money.ts'
import type { GrantState } from './state.ts'

/** As many billing periods as an account lists one by one (fold.ts): which of its periods took from a grant is known as long as the grant lasts. */
export const mostPeriods = 36

/** How long a grant counts. */
export interface Lifetime {
  /** Lost at the end of the period in which it was granted. */
  readonly resets: boolean
  /** For one that does not: billing periods that it lasts, the one in which it was granted included; from 2 to 36. Absent: it stays until it is used. */
  readonly periods?: number | undefined
}

/** As operators say it: `keeps`, and perhaps for how many periods. */
export function lifetimeOf({
  keeps,
  periods,
}: {
  readonly keeps: boolean
  readonly periods?: number | null | undefined
}): Lifetime {
  if (!keeps || periods === 1) return { resets: true }
  return { resets: false, ...(typeof periods === 'number' ? { periods } : {}) }
}

/** The last period in which it counts; Infinity: until it is used. */
export function lastEpochOf({ resets, epoch, periods }: Pick<GrantState, 'resets' | 'epoch' | 'periods'>): number {
  if (resets) return epoch
  return periods === undefined ? Infinity : epoch + periods - 1
}

/** What of it is kept money, gross: in its last period what is left of it is that period's own. */
export function keptOf({ resets, amount, ending = zero }: GrantState): Micro {
  return resets ? zero : less(amount, ending)
}

/** What of it is the period's own money. */
export function ownOf(grant: GrantState, epoch: number): Micro {
  if (lastEpochOf(grant) !== epoch) return zero
  return grant.resets ? grant.amount : (grant.ending ?? zero)
}
