import { less, toMicro } from '../money.ts'
import { addMoney, canTake } from './add-money.ts'
import { changed } from './changed.ts'
import type { SetPlanAnswer, SetPlanCommand } from './messages.ts'
import { rollOver } from './roll-over.ts'
import { type AccountState, currentPeriod, type Outcome, type PeriodState, refuse } from './state.ts'
import { termsOf } from './terms-of.ts'

/** Orders whose fulfilment is remembered. */
const mostOrders = 100

/**
 * Changes the plan. A plan with at least the allowance of the present one holds at once and grants what it allows beyond the
 * plan money that this period already got, so that no series of changes grants an allowance twice. `prorated`, it grants of the difference to the present plan what the rest of the period is, rounded down. A smaller one waits for the
 * period's end; setting the present plan again calls that off. The same plan with a changed allowance follows the same rule.
 * Safe to repeat; what fulfils an order does so once. Refuses with `amount_invalid`.
 */
export function setPlan(
  state: AccountState,
  { plan, by, upgrade = 'full', order }: SetPlanCommand,
  nowMs: number,
): Outcome<SetPlanAnswer> {
  const current = rollOver(state, nowMs)
  const period = currentPeriod(current)
  // What came of it since, such as a downgrade, stands
  if (order !== undefined && current.ordersTaken.includes(order))
    return { ok: true, state: current, answer: { terms: termsOf(current), fromMs: nowMs } }
  const ordersTaken = order === undefined ? current.ordersTaken : [...current.ordersTaken, order].slice(-mostOrders)
  if (plan.allowance < current.plan.allowance) {
    const next = changed(current, { ...current, ordersTaken, pendingPlan: plan }, nowMs)
    return { ok: true, state: next, answer: { terms: termsOf(next), fromMs: period.endMs } }
  }
  const whole = less(plan.allowance, period.planMoney)
  const more =
    upgrade === 'full'
      ? whole
      : toMicro(Math.min(whole, restOf(plan.allowance - current.plan.allowance, period, nowMs)))
  if (!canTake(current, { amount: more, resets: true }))
    return refuse('amount_invalid', `the allowance of plan ${plan.id} is more than can be counted`)
  const upgraded = addMoney(
    { ...current, ordersTaken, plan, pendingPlan: null },
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

function restOf(difference: number, { startMs, endMs }: PeriodState, nowMs: number): number {
  return Number((BigInt(difference) * BigInt(Math.max(0, endMs - nowMs))) / BigInt(endMs - startMs))
}
