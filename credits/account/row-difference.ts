import { type Quantities, quantityNames, type RowKey, type RowTotals } from '../usage-row.ts'

type Rows = Readonly<Record<RowKey, RowTotals>>

/** Each may be negative. */
export interface RowDifference extends Quantities {
  readonly charged: number
  readonly uncollected: number
}

/** What to add to the rows `have` so that they become `want`. Rows that are equal are left out; a row that is missing reads zero. */
export function rowDifference({
  want,
  have,
}: {
  readonly want: Rows
  readonly have: Rows
}): Record<RowKey, RowDifference> {
  const differences: Record<RowKey, RowDifference> = {}
  for (const key of new Set([...Object.keys(want), ...Object.keys(have)])) {
    const add = Object.fromEntries(
      figures.map((name) => [name, (want[key]?.[name] ?? 0) - (have[key]?.[name] ?? 0)]),
    ) as unknown as RowDifference
    if (figures.some((name) => add[name] !== 0)) differences[key] = add
  }
  return differences
}

const figures = ['charged', 'uncollected', ...quantityNames] as const
