import { less, type Micro } from './money.ts'

/** What `spent` leaves of each amount, taking from the first as long as it lasts. What exceeds them all is not shown anywhere. */
export function burn(amounts: readonly Micro[], spent: Micro): Micro[] {
  let open: number = spent
  return amounts.map((amount) => {
    const taken = Math.min(amount, open)
    open -= taken
    return less(amount, taken)
  })
}

/** What `spent` of this period leaves of each grant on an account's card, which lists them in burn order. */
export function leftOf<G extends { readonly counts: Micro }>(
  grants: readonly G[],
  spent: Micro,
): { readonly grant: G; readonly left: Micro }[] {
  const counts = grants.map((grant) => grant.counts)
  return burn(counts, spent).map((left, index) => ({ grant: grants[index]!, left }))
}
