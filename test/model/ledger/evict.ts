import { quarantineOf } from './balance.ts'
import { type Ledger, notLoaded, type NotLoaded } from './state.ts'

export type EvictAnswer = { readonly status: 'evicted' | 'in_use' } | NotLoaded

/** An idle account leaves Redis: nobody touched it since `version` was read, nothing is held, journal and workflow have everything. */
export function evict(
  ledger: Ledger,
  accountId: string,
  read: { readonly lineage: number; readonly version: number },
): EvictAnswer {
  const { rules, state } = ledger
  const account = state.accounts.get(accountId)
  if (account === undefined) return notLoaded
  const held = [account.current, ...account.earlier].some((book) => book.held > 0) || hasLease(ledger, accountId)
  const lock = state.locks.get(accountId)
  // Somebody is loading it: the totals that he has read would be old by the time he writes them
  const isLoading = lock !== undefined && lock.untilMs > ledger.nowMs()
  const inUse =
    account.lineage !== read.lineage ||
    account.version !== read.version ||
    isLoading ||
    // A period that has ended leaves first: once the account is away nobody would see to it
    account.earlier.length > 0 ||
    (rules.evictWithoutHolds && held) ||
    (rules.evictWithoutQuarantine && quarantineOf(ledger, account) > 0) ||
    (rules.evictDrained && account.drained !== account.n) ||
    (rules.evictAcked && account.acked !== account.seq)
  if (inUse) return { status: 'in_use' }
  state.accounts.delete(accountId)
  state.dirty.delete(accountId)
  return { status: 'evicted' }
}

/** Free work holds nothing and is under way all the same. */
function hasLease({ state }: Ledger, accountId: string): boolean {
  return [...state.holds].some(([key, hold]) => hold.state === 'active' && key.startsWith(`${accountId} `))
}
