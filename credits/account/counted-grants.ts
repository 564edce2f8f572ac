import { burn, inBurnOrder } from '../burn.ts'
import { less, type Micro } from '../money.ts'
import type { GrantCard } from '../terms.ts'
import { moneyOf } from './money-of.ts'
import { type AccountState, currentPeriod } from './state.ts'

/**
 * The grants that count in this period, in burn order, each with what of it counts: earlier periods took from kept grants only,
 * the oldest first. What they took beyond all kept money (a deficit) is paid by this period's own. The `counts` sum to `total`.
 */
export function countedGrants(state: AccountState): GrantCard[] {
  const { epoch } = currentPeriod(state)
  const ordered = inBurnOrder(state.grants.filter((grant) => !grant.resets || grant.epoch === epoch))
  const kept = ordered.filter((grant) => !grant.resets)
  const own = ordered.filter((grant) => grant.resets)
  const taken = less(moneyOf(state).used, state.foldedKept)
  const keptCounts = burn(amountsOf(kept), taken)
  const ownCounts = burn(
    amountsOf(own),
    less(
      taken,
      amountsOf(kept).reduce((total, amount) => total + amount, 0),
    ),
  )
  const counts = [...ownCounts, ...keptCounts]
  return ordered.flatMap(({ id, atMs, source, detail, amount, resets }, index) => {
    const count = counts[index]!
    return count === 0 ? [] : [{ id, atMs, source, detail, amount, counts: count, resets }]
  })
}

function amountsOf(grants: readonly { readonly amount: Micro }[]): Micro[] {
  return grants.map((grant) => grant.amount)
}
