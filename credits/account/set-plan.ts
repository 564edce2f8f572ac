import { less } from '../money.ts'
import { addMoney, canTake } from './add-money.ts'
import { changed } from './changed.ts'
import type { SetPlanAnswer, SetPlanCommand } from './messages.ts'
import { rollOver } from './roll-over.ts'
import { type AccountState, currentPeriod, type Outcome, refuse } from './state.ts'
import { termsOf } from './terms-of.ts'

/**
 * Changes the plan. A plan with at least the allowance of the present one holds at once and grants what it allows beyond the
 * plan money that this period already got, so that no series of changes grants an allowance twice. A smaller one waits for the
 * period's end; setting the present plan again calls that off. The same plan with a changed allowance follows the same rule.
 * Safe to repeat. Refuses with `amount_invalid`.
 */
export function setPlan(state: AccountState, { plan, by }: SetPlanCommand, nowMs: number): Outcome<SetPlanAnswer> {
  const current = rollOver(state, nowMs)
  const period = currentPeriod(current)
  if (plan.allowance < current.plan.allowance) {
    const next = changed(current, { ...current, pendingPlan: plan }, nowMs)
    return { ok: true, state: next, answer: { terms: termsOf(next), fromMs: period.endMs } }
  }
  const more = less(plan.allowance, period.planMoney)
  if (!canTake(current, { amount: more, resets: true }))
    return refuse('amount_invalid', `the allowance of plan ${plan.id} is more than can be counted`)
  const upgraded = addMoney(
    { ...current, plan, pendingPlan: null },
    {
      id: `plan:${period.epoch}:${period.planMoney}`,
      source: 'plan',
      amount: more,
      resets: true,
      detail: plan.name,
      by,
    },
    nowMs,
  )
  const next = changed(current, upgraded, nowMs)
  return { ok: true, state: next, answer: { terms: termsOf(next), fromMs: nowMs } }
}
