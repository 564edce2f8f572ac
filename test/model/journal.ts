import type { Found } from './ledger/gate.ts'
import type { Name, Receipt, Row, Rows } from './ledger/state.ts'
import type { Rules } from './rules.ts'

interface Entry extends Receipt {
  readonly added: Row
}

/** What PostgreSQL holds: plain data, so that a restored backup is the copy of an earlier moment. */
interface JournalState {
  /** `account id kind` → entry. */
  entries: Map<string, Entry>
  /** Never pruned: what the auditor reads. */
  log: Entry[]
  /** `account epoch` → rows. */
  rows: Map<string, Rows>
  /** account → `level|window` → spent. */
  windows: Map<string, Record<string, number>>
  /** `account lineage` → highest n. */
  highestN: Map<string, number>
  latestBirth: Map<string, number>
  /** Ids born before it may have been pruned. */
  keptSinceMs: number
  /** Accounts of which a receipt came without the one before it: commits were lost. */
  gaps: Set<string>
}

export interface Totals {
  readonly epochs: Readonly<Record<number, Rows>>
  readonly windows: Readonly<Record<string, number>>
  readonly latestBirthMs: number
  /** The journal's own clock. */
  readonly nowMs: number
}

/** The journal of the model: one transaction is one call. */
export interface Journal {
  state: JournalState
  store(receipts: readonly Receipt[]): void
  find(name: Name): Found | null
  isSettled(name: Name): boolean
  /** Sums by row and window, without the entries of `lineage` whose n is above `n`. */
  totals(
    accountId: string,
    epochs: readonly number[],
    without?: { readonly lineage: number; readonly n: number },
  ): Totals
  highestN(accountId: string, from: number, to: number): number
  /** Forgets charges born before, in the entries alone. */
  prune(bornBeforeMs: number): void
}

const nothing: Row = { charged: 0, uncollected: 0, units: 0 }
const key = ({ accountId, id }: Pick<Name, 'accountId' | 'id'>, kind: Receipt['kind']): string =>
  `${accountId} ${id} ${kind}`

export function createJournal(rules: Rules, nowMs: () => number): Journal {
  const journal: Journal = {
    state: {
      entries: new Map(),
      log: [],
      rows: new Map(),
      windows: new Map(),
      highestN: new Map(),
      latestBirth: new Map(),
      keptSinceMs: Number.NEGATIVE_INFINITY,
      gaps: new Set(),
    },
    store(receipts) {
      for (const receipt of receipts) storeOne(journal.state, receipt)
    },
    find(name) {
      const { entries, keptSinceMs } = journal.state
      const known = entries.get(key(name, 'settled')) ?? entries.get(key(name, 'expired'))
      if (known !== undefined) return known
      if (name.birthMs >= keptSinceMs) return null
      return { kind: 'forgotten', ...nothing, epoch: 0, row: '', windows: [] }
    },
    isSettled(name) {
      const { entries, keptSinceMs } = journal.state
      if (entries.has(key(name, 'settled'))) return true
      return name.birthMs < keptSinceMs && !entries.has(key(name, 'expired'))
    },
    totals(accountId, epochs, without) {
      const { state } = journal
      const rows = Object.fromEntries(
        epochs.map((epoch) => [epoch, copyOf(state.rows.get(`${accountId} ${epoch}`) ?? {})]),
      ) as Record<number, Rows>
      const windows = { ...state.windows.get(accountId) }
      if (without !== undefined) {
        for (const entry of state.entries.values()) {
          if (entry.accountId !== accountId || entry.lineage !== without.lineage || entry.n <= without.n) continue
          if (rows[entry.epoch] !== undefined) add(rows[entry.epoch]!, entry.row, entry.added, -1)
          for (const window of entry.windows) windows[window] = (windows[window] ?? 0) - entry.added.charged
        }
      }
      return { epochs: rows, windows, latestBirthMs: state.latestBirth.get(accountId) ?? 0, nowMs: nowMs() }
    },
    highestN(accountId, from, to) {
      let highest = 0
      for (let lineage = from; lineage <= to; lineage += 1) {
        highest = Math.max(highest, journal.state.highestN.get(`${accountId} ${lineage}`) ?? 0)
      }
      return highest
    },
    prune(bornBeforeMs) {
      const { state } = journal
      for (const [name, entry] of state.entries) {
        if (entry.birthMs >= bornBeforeMs) continue
        // A call that has only expired may still be settled, however late
        const open = entry.kind === 'expired' && !state.entries.has(key(entry, 'settled'))
        if (open && rules.retentionSparesOpen) continue
        state.entries.delete(name)
        if (!rules.retentionKeepsTotals) count(state, entry, -1)
      }
      state.keptSinceMs = Math.max(state.keptSinceMs, bornBeforeMs)
    },
  }

  function storeOne(state: JournalState, receipt: Receipt): void {
    const life = `${receipt.accountId} ${receipt.lineage}`
    if (receipt.n > 1 + highestOfAll(state, receipt)) state.gaps.add(receipt.accountId)
    state.highestN.set(life, Math.max(receipt.n, state.highestN.get(life) ?? 0))
    const settled = state.entries.get(key(receipt, 'settled'))
    const expired = state.entries.get(key(receipt, 'expired'))
    const before = settled ?? expired
    // The first fact of a kind stands; a settled one after an expired one adds what differs
    if (rules.journalStoresOnce) {
      if (settled !== undefined || (expired !== undefined && receipt.kind === 'expired')) return
    }
    if (expired !== undefined && !rules.settledAfterExpiredAdds) return
    const { charged, uncollected, units } = receipt
    const added =
      expired === undefined || settled !== undefined
        ? { charged, uncollected, units }
        : {
            charged: charged - before!.charged,
            uncollected: uncollected - before!.uncollected,
            units: units - before!.units,
          }
    const entry = { ...receipt, added }
    state.entries.set(key(receipt, receipt.kind), entry)
    state.log.push(entry)
    state.latestBirth.set(receipt.accountId, Math.max(receipt.birthMs, state.latestBirth.get(receipt.accountId) ?? 0))
    count(state, entry, 1)
  }
  return journal
}

/** Receipts of a life are numbered without a gap, and stored in their order; a repair goes on counting in a new life. */
function highestOfAll(state: JournalState, { accountId, lineage }: Receipt): number {
  const own = state.highestN.get(`${accountId} ${lineage}`)
  if (own !== undefined) return own
  let highest = 0
  for (let life = 1; life < lineage; life += 1)
    highest = Math.max(highest, state.highestN.get(`${accountId} ${life}`) ?? 0)
  return highest
}

function count(state: JournalState, { accountId, epoch, row, windows, added }: Entry, sign: 1 | -1): void {
  const rowsKey = `${accountId} ${epoch}`
  if (!state.rows.has(rowsKey)) state.rows.set(rowsKey, {})
  add(state.rows.get(rowsKey)!, row, added, sign)
  if (!state.windows.has(accountId)) state.windows.set(accountId, {})
  const spent = state.windows.get(accountId)!
  for (const window of windows) spent[window] = (spent[window] ?? 0) + sign * added.charged
}

const copyOf = (rows: Rows): Rows => Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, { ...row }]))

function add(rows: Rows, name: string, added: Row, sign: 1 | -1): void {
  const row = (rows[name] ??= { ...nothing })
  row.charged += sign * added.charged
  row.uncollected += sign * added.uncollected
  row.units += sign * added.units
}
