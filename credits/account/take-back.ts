import { toMicro } from '../money.ts'
import { mostCredits, countable } from './add-money.ts'
import { changed } from './changed.ts'
import type { TakeBackCommand, TermsAnswer } from './messages.ts'
import { rollOver } from './roll-over.ts'
import { type AccountState, type Outcome, refuse } from './state.ts'
import { termsOf } from './terms-of.ts'

/** They are listed with the grants. */
const mostTakenBack = 500

/**
 * Takes credits back, once per id: kept money first, as any spend beyond own money; what is not there is owed, and paid by the account's own money, this period's and then the next. So
 * a balance never shows less than nothing. Refuses with `grant_conflict` (the id stands for another amount) and `amount_invalid`.
 */
export function takeBack(state: AccountState, command: TakeBackCommand, nowMs: number): Outcome<TermsAnswer> {
  const known = state.takenBack.find(({ id }) => id === command.id)
  if (known !== undefined) {
    if (known.amount !== command.amount)
      return refuse('grant_conflict', `adjustment ${command.id} was made before with another amount`)
    return { ok: true, state, answer: { terms: termsOf(state) } }
  }
  const current = rollOver(state, nowMs)
  const { id, amount, detail, by } = command
  if (amount === 0 || !countable(current.foldedTaken + amount) || current.takenBack.length >= mostTakenBack)
    return refuse(
      'amount_invalid',
      `an account can have at most ${mostCredits} credits and ${mostTakenBack} adjustments taken back`,
    )
  const next = changed(
    current,
    {
      ...current,
      foldedTaken: toMicro(current.foldedTaken + amount),
      takenBack: [...current.takenBack, { id, atMs: nowMs, amount, detail, by }],
    },
    nowMs,
  )
  return { ok: true, state: next, answer: { terms: termsOf(next) } }
}
