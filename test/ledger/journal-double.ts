import { birthOf } from '../../credits/charge-id.ts'
import { zero } from '../../credits/money.ts'
import type { Receipt } from '../../credits/receipt.ts'
import { type Quantities, type RowTotals, noQuantities, quantityNames } from '../../credits/usage-row.ts'
import type { Correction, EpochRows, FoundCharge } from '../../ledger/ledger.ts'

/** What PostgreSQL keeps, in memory: the first `settled` of an id wins, one after an `expired` adds the difference. */
export interface JournalDouble {
  store(receipts: readonly Receipt[]): void
  /** Totals that no receipt of the ledger explains: what it lost, or has too much. */
  amend(difference: Pick<Correction, 'accountId' | 'rows' | 'windows'>): void
  find(accountId: string, id: string): FoundCharge | null
  epochs(accountId: string): readonly EpochRows[]
  budgets(accountId: string): readonly { level: string; window: string; spent: number }[]
  newestBirthMs(accountId: string): number
  copy(): JournalDouble
}

export function createJournalDouble(): JournalDouble {
  const last = new Map<string, Receipt>()
  const rows = new Map<string, Map<number, Map<string, RowTotals>>>()
  const windows = new Map<string, Map<string, number>>()
  /** All that it was told, to tell it to a copy. */
  const told: ((copy: JournalDouble) => void)[] = []

  function store(receipts: readonly Receipt[]): void {
    told.push((copy) => copy.store(receipts))
    for (const receipt of receipts) {
      const key = `${receipt.accountId} ${receipt.id}`
      const known = last.get(key)
      if (known?.kind === 'settled' || known?.kind === receipt.kind) continue
      last.set(key, receipt)
      const before = known ?? { charged: zero, uncollected: zero, quantities: noQuantities }
      const epochs = into(rows, receipt.accountId, () => new Map<number, Map<string, RowTotals>>())
      const epoch = into(epochs, receipt.epoch, () => new Map<string, RowTotals>())
      const old = epoch.get(receipt.row) ?? { charged: zero, uncollected: zero, ...noQuantities }
      epoch.set(receipt.row, {
        ...(Object.fromEntries(
          quantityNames.map((name) => [name, old[name] + receipt.quantities[name] - before.quantities[name]]),
        ) as unknown as Quantities),
        charged: (old.charged + receipt.charged - before.charged) as RowTotals['charged'],
        uncollected: (old.uncollected + receipt.uncollected - before.uncollected) as RowTotals['uncollected'],
      })
      const budgets = into(windows, receipt.accountId, () => new Map<string, number>())
      for (const name of receipt.windows) budgets.set(name, (budgets.get(name) ?? 0) + receipt.charged - before.charged)
    }
  }

  function amend(difference: Pick<Correction, 'accountId' | 'rows' | 'windows'>): void {
    told.push((copy) => copy.amend(difference))
    const epochs = into(rows, difference.accountId, () => new Map<number, Map<string, RowTotals>>())
    for (const { epoch, row, add } of difference.rows) {
      const totals = into(epochs, epoch, () => new Map<string, RowTotals>())
      const old: Record<keyof RowTotals, number> = totals.get(row) ?? { charged: 0, uncollected: 0, ...noQuantities }
      const names = ['charged', 'uncollected', ...quantityNames] as const
      totals.set(row, Object.fromEntries(names.map((name) => [name, old[name] + add[name]])) as unknown as RowTotals)
    }
    const budgets = into(windows, difference.accountId, () => new Map<string, number>())
    for (const { level, window, add } of difference.windows) {
      budgets.set(`${level}|${window}`, (budgets.get(`${level}|${window}`) ?? 0) + add)
    }
  }

  return {
    store,
    amend,
    find: (accountId, id) => last.get(`${accountId} ${id}`) ?? null,
    epochs: (accountId) =>
      [...(rows.get(accountId) ?? [])].map(([epoch, held]) => ({ epoch, rows: Object.fromEntries(held) })),
    budgets: (accountId) =>
      [...(windows.get(accountId) ?? [])].map(([name, spent]) => {
        const [level, window] = name.split('|') as [string, string]
        return { level, window, spent }
      }),
    newestBirthMs: (accountId) =>
      Math.max(0, ...[...last.values()].filter((one) => one.accountId === accountId).map(({ id }) => birthOf(id))),
    copy: () => {
      const copy = createJournalDouble()
      for (const tell of told) tell(copy)
      return copy
    },
  }
}

function into<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
