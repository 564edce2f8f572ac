import type { LineageAnswer } from './messages.ts'
import { rollOver } from './roll-over.ts'
import type { AccountState, Outcome } from './state.ts'
import { termsOf } from './terms-of.ts'

/** Issues the number of the account's next life in Redis. Its rows start from the journal's, so any seq of it is newer than what is known. */
export function nextLineage(state: AccountState, nowMs: number): Outcome<LineageAnswer> {
  const current = rollOver(state, nowMs)
  const next = { ...current, lineage: current.lineage + 1, seq: 0 }
  return { ok: true, state: next, answer: { lineage: next.lineage, terms: termsOf(next), held: next.held } }
}
