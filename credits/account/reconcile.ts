import { less } from '../money.ts'
import type { RowKey, RowTotals } from '../usage-row.ts'
import { changed } from './changed.ts'
import type { ReconcileAnswer, ReconcileCommand } from './messages.ts'
import { rollOver } from './roll-over.ts'
import { sameRows } from './same-rows.ts'
import type { AccountState, Outcome, PeriodState } from './state.ts'
import { termsOf } from './terms-of.ts'

/**
 * Takes the ledger's rows, which are absolute: repeated, late and reordered reports change nothing. `lineage`: the report is of
 * another life of the account in Redis. `behind`: it is not newer than the last one taken. Closed periods keep the journal's rows.
 */
export function reconcile(state: AccountState, report: ReconcileCommand, nowMs: number): Outcome<ReconcileAnswer> {
  const rolled = rollOver(state, nowMs)
  const current = changed(rolled, { ...rolled, policies: report.policies }, nowMs)
  const terms = termsOf(current)
  if (report.lineage !== current.lineage) return { ok: true, state: current, answer: { status: 'lineage', terms } }
  if (report.seq <= current.seq) {
    const sameRows = knowsRows(current, report)
    // What is held changes without a row: a call that came to nothing, a quarantine that ended.
    const state = sameRows && report.seq === current.seq ? { ...current, held: report.held } : current
    return { ok: true, state, answer: { status: 'behind', seq: current.seq, sameRows, terms } }
  }
  const reported = new Map(report.epochs.map(({ epoch, rows }) => [epoch, rows]))
  const periods = current.periods.map((period) => {
    const rows = reported.get(period.epoch)
    return rows === undefined || period.closed ? period : withRows(period, rows)
  })
  const next = changed(current, { ...current, seq: report.seq, held: report.held, periods }, nowMs)
  return { ok: true, state: next, answer: { status: 'ok', terms: termsOf(next) } }
}

/** The period with other rows, and the spend that follows from them. */
export function withRows(period: PeriodState, rows: Readonly<Record<RowKey, RowTotals>>): PeriodState {
  // One row may be negative (an adjustment in a period that did not see the first charge); what a period spent is not.
  const spent = Object.values(rows).reduce((total, row) => total + row.charged, 0)
  return { ...period, rows, spent: less(spent, 0) }
}

function knowsRows(state: AccountState, report: ReconcileCommand): boolean {
  return report.epochs.every(({ epoch, rows }) => {
    const period = state.periods.find((each) => each.epoch === epoch)
    return period === undefined || period.closed || sameRows(period.rows, rows)
  })
}
