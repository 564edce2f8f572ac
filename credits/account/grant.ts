import { addMoney, canTake, mostCredits } from './add-money.ts'
import { changed } from './changed.ts'
import { fold } from './fold.ts'
import type { GrantCommand, TermsAnswer } from './messages.ts'
import { rollOver } from './roll-over.ts'
import { type AccountState, type Outcome, refuse } from './state.ts'
import { termsOf } from './terms-of.ts'

/** They travel with every version of the terms, and from run to run of the workflow: without an end they would outgrow both. */
const mostGrants = 1000

/**
 * Grants once per id; repeated, it answers with the terms as they are. Refuses with `grant_conflict` (the id stands for another
 * amount, source or lifetime) `amount_invalid`, or
 * `too_many_grants` that are neither used up nor of ended periods.
 */
export function grant(state: AccountState, command: GrantCommand, nowMs: number): Outcome<TermsAnswer> {
  const known = [...state.grants, ...state.foldedGrants].find((each) => each.id === command.id)
  if (known !== undefined) {
    const same =
      known.amount === command.amount &&
      known.source === command.source &&
      known.resets === command.resets &&
      known.periods === command.periods
    if (!same)
      return refuse('grant_conflict', `grant ${command.id} was made before with another amount, source or lifetime`)
    return { ok: true, state, answer: { terms: termsOf(state) } }
  }
  const rolled = rollOver(state, nowMs)
  const current = rolled.grants.length < mostGrants ? rolled : fold(rolled)
  if (current.grants.length >= mostGrants)
    return refuse('too_many_grants', `an account has at most ${mostGrants} grants that still count`)
  if (command.amount === 0 || !canTake(current, command))
    return refuse(
      'amount_invalid',
      `a grant is more than zero, and all grants of one kind together at most ${mostCredits} credits`,
    )
  const next = changed(current, addMoney(current, command, nowMs), nowMs)
  return { ok: true, state: next, answer: { terms: termsOf(next) } }
}
