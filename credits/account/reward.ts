import { addMoney, canTake } from './add-money.ts'
import { changed } from './changed.ts'
import { fold } from './fold.ts'
import type { RewardDue } from './messages.ts'
import { rollOver } from './roll-over.ts'
import type { AccountState } from './state.ts'

/** How grants for referred sign-ups begin; what a friend's own bonus is called is another thing. */
export const rewardPrefix = 'referral:'

/**
 * Rewards the account for a friend's sign-up, once per friend and `most` times in all; beyond that nothing changes. Also nothing for an account that can take no
 * more credits.
 */
export function reward(state: AccountState, due: RewardDue, nowMs: number): AccountState {
  const known = [...state.grants, ...state.foldedGrants].filter(({ id }) => id.startsWith(rewardPrefix))
  if (known.some(({ id }) => id === due.grant) || known.length >= due.most) return state
  const current = rollOver(state, nowMs)
  if (!canTake(current, due)) return state
  const { grant: id, amount, resets, periods, detail } = due
  const rewarded = addMoney(current, { id, source: 'referral', amount, resets, periods, detail, by: 'tollgate' }, nowMs)
  return changed(current, fold(rewarded), nowMs)
}
