import { toMicro } from '../money.ts'
import { noQuantities, parseRowKey, quantityNames, rowKey, type RowKey, type RowTotals } from '../usage-row.ts'

/** The same totals by category, tier, model and item: who spent them, in detail, is the journal's to keep. */
export function archiveRows(rows: Readonly<Record<RowKey, RowTotals>>): Record<RowKey, RowTotals> {
  const archived: Record<RowKey, RowTotals> = {}
  for (const [key, totals] of Object.entries(rows)) {
    const coarse = rowKey({ ...parseRowKey(key), employee: '', organization: '' })
    archived[coarse] = addRows(
      archived[coarse] ?? { ...noQuantities, charged: toMicro(0), uncollected: toMicro(0) },
      totals,
    )
  }
  return archived
}

function addRows(a: RowTotals, b: RowTotals): RowTotals {
  const quantities = Object.fromEntries(quantityNames.map((name) => [name, a[name] + b[name]])) as Record<
    (typeof quantityNames)[number],
    number
  >
  // A row may be negative where an adjustment met an epoch that did not see the first charge (protocol.md 1); sums of rows are not.
  return {
    ...quantities,
    charged: (a.charged + b.charged) as RowTotals['charged'],
    uncollected: (a.uncollected + b.uncollected) as RowTotals['uncollected'],
  }
}
