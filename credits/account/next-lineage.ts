import type { LineageAnswer, NextLineage } from './messages.ts'
import { rollOver } from './roll-over.ts'
import type { AccountState, Outcome } from './state.ts'
import { termsOf } from './terms-of.ts'

/**
 * Issues the number of the account's next life in Redis, above every one before it. What Redis reports of a new life is newer than all that is
 * known, whatever its seq.
 */
export function nextLineage(state: AccountState, command: NextLineage | null, nowMs: number): Outcome<LineageAnswer> {
  const current = rollOver(state, nowMs)
  const next = { ...current, lineage: Math.max(current.lineage, command?.above ?? 0) + 1, seq: 0 }
  return { ok: true, state: next, answer: { lineage: next.lineage, terms: termsOf(next), held: next.held } }
}
