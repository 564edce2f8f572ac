import { zero } from '../money.ts'
import { isTimeZone, periodAt, utcOffsetAt } from '../period.ts'
import { addMoney, countable } from './add-money.ts'
import { changed } from './changed.ts'
import { lifetimeOf } from './lifetime.ts'
import type { SignUpAnswer, SignUpCommand } from './messages.ts'
import { type AccountState, type Outcome, refuse } from './state.ts'
import { termsOf } from './terms-of.ts'

/**
 * Opens the account, on its first plan, with the welcome bonus and what the codes of its sign-up give, once: repeated, it answers with what is there. Refuses with
 * `account_conflict` (another e-mail), `time_zone_unknown` or `amount_invalid` (a plan or bonus beyond counting).
 */
export function signUp(state: AccountState | null, command: SignUpCommand, nowMs: number): Outcome<SignUpAnswer> {
  if (state !== null) {
    if (state.email !== command.email)
      return refuse('account_conflict', `account ${state.accountId} exists with another e-mail address`)
    return { ok: true, state, answer: { terms: termsOf(state), created: false } }
  }
  const { plan, welcome, bonuses = [], reward } = command
  if (!isTimeZone(command.timeZone)) return refuse('time_zone_unknown', `no such time zone: ${command.timeZone}`)
  const given = bonuses.reduce((all, { amount }) => all + amount, 0)
  if (!countable(plan.allowance + welcome.amount + given))
    return refuse('amount_invalid', 'plan and bonuses are more than can be counted')

  const empty: AccountState = {
    shape: 1,
    accountId: command.accountId,
    email: command.email,
    createdAtMs: nowMs,
    timeZone: command.timeZone,
    utcOffsetMs: utcOffsetAt(command.timeZone, nowMs),
    plan,
    pendingPlan: null,
    policies: command.policies,
    termsVersion: 0,
    lineage: 0,
    seq: 0,
    held: zero,
    grants: [],
    foldedGrants: [],
    foldedKept: zero,
    foldedTaken: zero,
    periods: [
      {
        epoch: 1,
        ...periodAt(nowMs, command.timeZone, 0),
        free: zero,
        planMoney: zero,
        spent: zero,
        rows: {},
        closed: false,
      },
    ],
    alerts: [],
    employees: [],
    organizations: [],
    budgets: [],
    newEmployeeBudget: null,
    rewardsDue: reward === undefined ? [] : [reward],
    takenBack: [],
    ordersTaken: [],
    mailsDue: [],
  }
  const onPlan = addMoney(
    empty,
    { id: 'plan:1', source: 'plan', amount: plan.allowance, resets: true, detail: plan.name, by: 'tollgate' },
    nowMs,
  )
  const welcomed = addMoney(
    onPlan,
    { id: 'welcome', source: 'welcome', amount: welcome.amount, ...lifetimeOf(welcome), detail: '', by: 'tollgate' },
    nowMs,
  )
  const full = bonuses.reduce((state, bonus) => addMoney(state, { ...bonus, by: 'tollgate' }, nowMs), welcomed)
  // Version 1 even when there is no money at all: terms that were never sent have version 0.
  const next = { ...changed(empty, full, nowMs), termsVersion: 1 }
  return { ok: true, state: next, answer: { terms: termsOf(next), created: true } }
}
