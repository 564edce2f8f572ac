import { addMoney, canTake, mostCredits } from './add-money.ts'
import { changed } from './changed.ts'
import type { GrantCommand, TermsAnswer } from './messages.ts'
import { rollOver } from './roll-over.ts'
import { type AccountState, type Outcome, refuse } from './state.ts'
import { termsOf } from './terms-of.ts'

/**
 * Grants once per id; repeated, it answers with the terms as they are. Refuses with `grant_conflict` (the id stands for another
 * amount, source or kind of money) or `amount_invalid`.
 */
export function grant(state: AccountState, command: GrantCommand, nowMs: number): Outcome<TermsAnswer> {
  const known = [...state.grants, ...state.foldedGrants].find((each) => each.id === command.id)
  if (known !== undefined) {
    const same = known.amount === command.amount && known.source === command.source && known.resets === command.resets
    if (!same) return refuse('grant_conflict', `grant ${command.id} was made before with another amount or source`)
    return { ok: true, state, answer: { terms: termsOf(state) } }
  }
  const current = rollOver(state, nowMs)
  if (command.amount === 0 || !canTake(current, command))
    return refuse(
      'amount_invalid',
      `a grant is more than zero, and all grants of one kind together at most ${mostCredits} credits`,
    )
  const next = changed(current, addMoney(current, command, nowMs), nowMs)
  return { ok: true, state: next, answer: { terms: termsOf(next) } }
}
