import type { Micro } from '../money.ts'
import type { EndReason } from './session.ts'

/** What the next supervisor of a session must know: it goes on from there, and what it does again changes nothing. */
export interface SessionProgress {
  /** Redis time. The ids of the charges come from it, so it never changes, but for one that waited and is let in. */
  readonly startedAtMs: number
  /** It waited at a door, and was let in. */
  readonly isIn?: true
  /** The last sign of life that was read. */
  readonly aliveAtMs: number
  /** Signs of life could be heard since then, as far as is known: silence counts from here at the earliest. */
  readonly heardSinceMs?: number
  /** The last look of a supervisor. */
  readonly lookedAtMs?: number
  /** Its first so many minutes are settled. */
  readonly settledMinutes: number
  /** The credits of its first so many minutes were set aside at some time. */
  readonly grantedMinutes?: number
  /** What was charged for those. */
  readonly charged: Micro
}

export interface SessionOver {
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly endReason: EndReason
  readonly charged: Micro
}
