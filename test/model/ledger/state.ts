import type { Rules } from '../rules.ts'

/** One row of one epoch, absolute. */
export interface Row {
  charged: number
  uncollected: number
  units: number
}
export type Rows = Record<string, Row>

/** One epoch of an account. */
export interface Book {
  readonly epoch: number
  spent: number
  held: number
  /** Money of its own; of the current epoch it is only known to the terms. */
  free: number
  counted: number
  rows: Rows
}

export interface Window {
  spent: number
  held: number
}

/** A kept grant that ends inside a period: it covers what is taken of kept money between `before` and `before + amount`. */
export interface ExpiringGrant {
  readonly id: string
  readonly before: number
  readonly amount: number
  readonly untilMs: number
}

/** The account workflow's terms, as far as the model needs them. */
export interface Terms {
  readonly version: number
  readonly epoch: number
  readonly granted: number
  readonly used: number
  /** Own money of the current period. */
  readonly free: number
  readonly earlier: readonly { readonly epoch: number; readonly free: number; readonly counted: number }[]
  readonly expiring: readonly ExpiringGrant[]
  /** Level → most that it may spend and hold in one window. */
  readonly limits: Readonly<Record<string, number>>
}

export interface Account {
  lineage: number
  bornIn: number
  seq: number
  n: number
  drained: number
  acked: number
  corrections: number
  version: number
  terms: Terms
  current: Book
  earlier: Book[]
  quarantine: number
  quarantineUntilMs: number
  knownSinceMs: number
  /** `level|window` → figures. */
  windows: Record<string, Window>
}

export interface Hold {
  state: 'active' | 'settled' | 'expired' | 'released'
  asked: number
  amount: number
  accrued: number
  epoch: number
  row: string
  windows: readonly string[]
  charged: number
  uncollected: number
  n: number
  forgetAtMs: number
  deadlineMs: number
}

/** Which charge, and when it was born. */
export interface Name {
  readonly accountId: string
  readonly id: string
  readonly birthMs: number
}

export interface Receipt extends Name {
  readonly kind: 'settled' | 'expired'
  readonly epoch: number
  readonly row: string
  readonly windows: readonly string[]
  /** Totals of the id. */
  readonly charged: number
  readonly uncollected: number
  readonly units: number
  readonly lineage: number
  readonly n: number
  /** Booked after its period had ended: it may have taken money of the period that followed. */
  readonly late: boolean
}

export interface StreamEntry {
  /** Redis' own: never lower than that of the entry before it in the same stream. */
  readonly entryId: number
  readonly receipt: Receipt
}

/** All that Redis holds: plain data, so that a rollback is the copy of an earlier moment. */
export interface LedgerState {
  accounts: Map<string, Account>
  /** `account id` → hold or tombstone. */
  holds: Map<string, Hold>
  stream: StreamEntry[]
  lastEntryId: number
  dirty: Map<string, number>
  locks: Map<string, { readonly token: string; readonly untilMs: number }>
  waiters: Map<string, Set<string>>
  latestSeenMs: number
}

export const emptyState = (): LedgerState => ({
  accounts: new Map(),
  holds: new Map(),
  stream: [],
  lastEntryId: 0,
  dirty: new Map(),
  locks: new Map(),
  waiters: new Map(),
  latestSeenMs: 0,
})

/** One Redis of the model: what its operations work on. */
export interface Ledger {
  readonly rules: Rules
  readonly tombstoneMs: number
  readonly slackMs: number
  readonly quarantineMs: number
  /** Redis `TIME`. */
  readonly nowMs: () => number
  state: LedgerState
}

export type NotLoaded = { readonly status: 'account_not_loaded' }
export const notLoaded: NotLoaded = { status: 'account_not_loaded' }
export type AskJournal = { readonly status: 'ask_journal'; readonly lineage: number; readonly nowMs: number }

export const holdKey = ({ accountId, id }: Pick<Name, 'accountId' | 'id'>): string => `${accountId} ${id}`

/** The hold or tombstone of an id, unless its time is over. */
export function holdOf(ledger: Ledger, name: Pick<Name, 'accountId' | 'id'>): Hold | undefined {
  const key = holdKey(name)
  const hold = ledger.state.holds.get(key)
  if (hold !== undefined && hold.forgetAtMs <= ledger.nowMs()) {
    ledger.state.holds.delete(key)
    return undefined
  }
  return hold
}

export function remember(ledger: Ledger, name: Pick<Name, 'accountId' | 'id'>, hold: Hold): void {
  ledger.state.holds.set(holdKey(name), hold)
}

export const emptyHold: Hold = {
  state: 'settled',
  asked: 0,
  amount: 0,
  accrued: 0,
  epoch: 0,
  row: '',
  windows: [],
  charged: 0,
  uncollected: 0,
  n: 0,
  forgetAtMs: Number.POSITIVE_INFINITY,
  deadlineMs: 0,
}

export function bookOf(account: Account, epoch: number): Book | undefined {
  return account.current.epoch === epoch ? account.current : account.earlier.find((book) => book.epoch === epoch)
}

/** When a tombstone may go. */
export function forgetAt(ledger: Ledger, birthMs: number): number {
  const from = ledger.rules.forgetAfterBirth ? Math.max(ledger.nowMs(), birthMs) : ledger.nowMs()
  return from + ledger.tombstoneMs
}

export function markDirty(ledger: Ledger, accountId: string): void {
  if (!ledger.state.dirty.has(accountId)) ledger.state.dirty.set(accountId, ledger.nowMs())
}
