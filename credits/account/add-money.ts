import { toMicro } from '../money.ts'
import { keptGranted } from './money-of.ts'
import { type AccountState, currentPeriod, type GrantState } from './state.ts'

/** Half of what Lua keeps exact, so that sums of money and spend stay exact too: some 4.5 billion credits. */
const mostMoney = 2 ** 52

/** Whether so much money can be counted without losing a micro-credit. */
export function countable(amount: number): boolean {
  return Number.isSafeInteger(amount) && amount >= 0 && amount <= mostMoney
}

/** Whether the account can take so much more. */
export function canTake(state: AccountState, amount: number): boolean {
  return countable(amount) && countable(currentPeriod(state).free + keptGranted(state) + amount)
}

/** Books money into the current period as a grant; nothing for an amount of zero. */
export function addMoney(state: AccountState, money: Omit<GrantState, 'atMs' | 'epoch'>, nowMs: number): AccountState {
  if (money.amount === 0) return state
  const current = currentPeriod(state)
  const { id, source, detail, by, amount, resets } = money
  const grant: GrantState = { id, atMs: nowMs, source, detail, by, amount, resets, epoch: current.epoch }
  const period = {
    ...current,
    free: resets ? toMicro(current.free + amount) : current.free,
    planMoney: source === 'plan' ? toMicro(current.planMoney + amount) : current.planMoney,
  }
  return { ...state, grants: [...state.grants, grant], periods: [...state.periods.slice(0, -1), period] }
}
