import type { RowKey, RowTotals } from '../usage-row.ts'
import { rowDifference } from './row-difference.ts'

type Rows = Readonly<Record<RowKey, RowTotals>>

/** Whether two copies say the same, in whatever order; a row of zeros is one that is missing. */
export function sameRows(one: Rows, other: Rows): boolean {
  return Object.keys(rowDifference({ want: one, have: other })).length === 0
}
