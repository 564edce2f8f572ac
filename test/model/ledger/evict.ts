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
  const held = [account.current, ...account.earlier].some((book) => book.held > 0)
  const inUse =
    account.lineage !== read.lineage ||
    account.version !== read.version ||
    (rules.evictWithoutHolds && held) ||
    (rules.evictWithoutQuarantine && quarantineOf(ledger, account) > 0) ||
    (rules.evictDrained && account.drained !== account.n) ||
    (rules.evictAcked && account.acked !== account.seq)
  if (inUse) return { status: 'in_use' }
  state.accounts.delete(accountId)
  state.dirty.delete(accountId)
  return { status: 'evicted' }
}
