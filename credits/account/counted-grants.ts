import { burn } from '../burn.ts'
import { less, type Micro, toMicro } from '../money.ts'
import type { GrantCard } from '../terms.ts'
import { keptOf, lastEpochOf, ownOf } from './lifetime.ts'
import { taken } from './money-of.ts'
import { type AccountState, currentPeriod, type GrantState } from './state.ts'

/**
 * The grants that count in this period, in burn order (what ends first, then the oldest), each with what of it counts: ended periods took from kept grants
 * only. What they took beyond all kept money (a deficit) is paid by this period's own. The `counts` sum to `total`.
 */
export function countedGrants(state: AccountState): GrantCard[] {
  const { epoch } = currentPeriod(state)
  const grants = inBurnOrder(state.grants)
  const { left: kept, owed } = keptMoney(state, grants)
  const own = burn(
    grants.map((grant) => ownOf(grant, epoch)),
    owed,
  )
  return grants.flatMap((grant, index) => {
    const count = toMicro(kept[index]! + own[index]!)
    if (count === 0) return []
    const { id, atMs, source, detail, amount, endsAtMs } = grant
    const resets = lastEpochOf(grant) === epoch
    return [
      {
        id,
        atMs,
        source,
        detail,
        amount,
        counts: count,
        resets,
        ...(resets || endsAtMs === undefined ? {} : { endsAtMs }),
      },
    ]
  })
}

/** What each of these grants has of kept money, once ended periods took what they needed: each from those that were there, in the order given. */
export function keptMoney(
  state: AccountState,
  grants: readonly GrantState[],
): { readonly left: readonly Micro[]; readonly owed: Micro } {
  const gross = grants.map(keptOf)
  const left: number[] = [...gross]
  // What grants that were folded away paid is not asked of the others
  let owed = state.foldedTaken - state.foldedKept
  const take = (epoch: number): void => {
    for (const [index, grant] of grants.entries()) {
      if (owed <= 0) return
      if (grant.epoch > epoch) continue
      const part = Math.min(left[index]!, owed)
      left[index] = left[index]! - part
      owed -= part
    }
  }
  for (const period of state.periods.slice(0, -1)) {
    owed += taken([period])
    take(period.epoch)
  }
  take(Infinity)
  // A refund of what a later period's own money had paid already: it was paid too much, the last first
  for (let index = grants.length - 1; owed < 0 && index >= 0; index -= 1) {
    const part = Math.min(gross[index]! - left[index]!, -owed)
    left[index] = left[index]! + part
    owed += part
  }
  return { left: left.map(toMicro), owed: less(owed, 0) }
}

/** What ends first burns first, then the oldest. */
function inBurnOrder(grants: readonly GrantState[]): GrantState[] {
  // Stable: grants of one moment stay in the order in which they came. Infinity less Infinity is no number.
  return grants.toSorted(
    (one, other) =>
      Number(lastEpochOf(one) > lastEpochOf(other)) - Number(lastEpochOf(one) < lastEpochOf(other)) ||
      one.atMs - other.atMs,
  )
}

/** What is left of the kept grants that end with the current period. */
export function endingNow(state: AccountState): ReadonlyMap<string, Micro> {
  const { epoch } = currentPeriod(state)
  const grants = inBurnOrder(state.grants)
  const { left } = keptMoney(state, grants)
  return new Map(
    grants.flatMap((grant, index) =>
      !grant.resets && lastEpochOf(grant) === epoch ? [[grant.id, left[index]!] as const] : [],
    ),
  )
}
