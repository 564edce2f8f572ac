import { archiveRows } from '../credits/account/archive-rows.ts'
import type { RowsReport } from '../credits/account/messages.ts'
import { sum } from '../credits/money.ts'
import type { AccountSnapshot } from '../ledger/ledger.ts'

/**
 * What the account workflow is told of a snapshot: by category, tier, model and item, for an account of many employees has more rows than a
 * message to its workflow may hold, and nobody asks it for them.
 */
export function rowsReport({
  lineage,
  seq,
  termsVersion,
  held,
  earlier,
  quarantine,
  epochs,
}: AccountSnapshot): RowsReport {
  return {
    lineage,
    seq,
    termsVersion,
    held: sum([held, ...earlier.map((epoch) => epoch.held), quarantine]),
    epochs: epochs.map(({ epoch, rows }) => ({ epoch, rows: archiveRows(rows) })),
  }
}
