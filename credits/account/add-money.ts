import { microPerCredit, toMicro } from '../money.ts'
import { periodAt } from '../period.ts'
import type { Lifetime } from './lifetime.ts'
import { keptGranted } from './money-of.ts'
import { type AccountState, currentPeriod, type GrantState } from './state.ts'

/** 400 million credits, of money that resets and of kept money each: together still 15 digits, which the ledger's scripts count exactly. */
const mostMoney = 400_000_000_000_000
/** The same in credits, for refusals. */
export const mostCredits = mostMoney / microPerCredit

/** Whether so much money of one kind can be counted without losing a micro-credit. */
export function countable(amount: number): boolean {
  return Number.isSafeInteger(amount) && amount >= 0 && amount <= mostMoney
}

/** Whether the account can take so much more. */
export function canTake(state: AccountState, { amount, resets }: Pick<GrantState, 'amount' | 'resets'>): boolean {
  return countable(amount) && countable(amount + (resets ? currentPeriod(state).free : keptGranted(state)))
}

/** Books money into the current period as a grant; nothing for an amount of zero. */
export function addMoney(
  state: AccountState,
  money: Omit<GrantState, 'atMs' | 'epoch' | 'ending' | 'endsAtMs' | keyof Lifetime> & Lifetime,
  nowMs: number,
): AccountState {
  if (money.amount === 0) return state
  const current = currentPeriod(state)
  const { id, source, detail, by, amount, resets, periods } = money
  const lifetime =
    resets || periods === undefined
      ? { resets }
      : { resets, periods, endsAtMs: periodAt(state.createdAtMs, state.timeZone, current.epoch + periods - 2).endMs }
  const grant: GrantState = { id, atMs: nowMs, source, detail, by, amount, ...lifetime, epoch: current.epoch }
  const period = {
    ...current,
    free: resets ? toMicro(current.free + amount) : current.free,
    planMoney: source === 'plan' ? toMicro(current.planMoney + amount) : current.planMoney,
  }
  return { ...state, grants: [...state.grants, grant], periods: [...state.periods.slice(0, -1), period] }
}
