import { rawOf } from './balance.ts'
import { noteTime } from './gate.ts'
import { type Account, type Book, type Ledger, markDirty, type Rows, type Terms } from './state.ts'

const lockMs = 60_000

/** true if the lock is held under `token` now. */
export function lock(ledger: Ledger, accountId: string, token: string): boolean {
  const { locks } = ledger.state
  const holder = locks.get(accountId)
  if (holder !== undefined && holder.token !== token && holder.untilMs > ledger.nowMs()) return false
  locks.set(accountId, { token, untilMs: ledger.nowMs() + lockMs })
  return true
}

export interface Hydration {
  readonly accountId: string
  readonly token: string
  readonly lineage: number
  readonly terms: Terms
  readonly epochs: Readonly<Record<number, Rows>>
  readonly windows: Readonly<Record<string, number>>
  /** Held in the life that was lost, as the workflow knows it. */
  readonly held: number
  /** The latest birth among the account's ids in the journal. */
  readonly latestBirthMs: number
  /** The journal's clock when it was read. */
  readonly journalNowMs: number
}
export type HydrateAnswer = { readonly status: 'hydrated' | 'present' | 'lock_lost' }

/** A new life of an account, from the terms and the journal's totals. */
export function hydrate(ledger: Ledger, hydration: Hydration): HydrateAnswer {
  const { rules, state } = ledger
  const { accountId, terms, epochs } = hydration
  if (rules.hydrateOnlyIfAbsent && state.accounts.has(accountId)) return { status: 'present' }
  const holder = state.locks.get(accountId)
  const isOurs = holder?.token === hydration.token && holder.untilMs > ledger.nowMs()
  if (rules.hydrateNeedsItsLock && !isOurs) return { status: 'lock_lost' }
  const now = ledger.nowMs()
  const bookFor = (epoch: number, free: number, counted: number): Book => {
    const rows = Object.fromEntries(Object.entries(epochs[epoch] ?? {}).map(([name, row]) => [name, { ...row }]))
    const spent = Object.values(rows).reduce((total, row) => total + row.charged, 0)
    return { epoch, spent, held: 0, free, counted, rows }
  }
  const account: Account = {
    lineage: hydration.lineage,
    bornIn: hydration.lineage,
    seq: 1,
    n: 0,
    drained: 0,
    acked: 0,
    corrections: 0,
    version: now,
    terms,
    current: bookFor(terms.epoch, 0, 0),
    earlier: terms.earlier.map(({ epoch, free, counted }) => bookFor(epoch, free, counted)),
    quarantine: 0,
    quarantineUntilMs: now + ledger.quarantineMs,
    knownSinceMs: knownSince(ledger, hydration),
    windows: Object.fromEntries(
      Object.entries(hydration.windows).map(([name, spent]) => [name, { spent: Math.max(0, spent), held: 0 }]),
    ),
  }
  if (rules.quarantine) account.quarantine = Math.min(hydration.held, Math.max(0, rawOf(ledger, account)))
  state.accounts.set(accountId, account)
  noteTime(ledger)
  markDirty(ledger, accountId)
  state.locks.delete(accountId)
  return { status: 'hydrated' }
}

/** Ids born up to then are asked about. A birth is believed as far ahead of a clock as a tombstone stands, and of two clocks the one ahead decides. */
function knownSince({ rules, nowMs, tombstoneMs }: Ledger, { latestBirthMs, journalNowMs }: Hydration): number {
  const now = nowMs()
  if (!rules.birthsSinceJournal) return now
  // Redis' own clock may be far behind those of the gateways that gave the births
  const believedFrom = rules.birthsByJournalClock ? Math.max(now, journalNowMs) : now
  return Math.max(now, Math.min(latestBirthMs, believedFrom + tombstoneMs))
}
