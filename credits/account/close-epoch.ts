import { archiveRows } from './archive-rows.ts'
import { changed } from './changed.ts'
import type { CloseEpoch, CloseEpochAnswer } from './messages.ts'
import { withRows } from './reconcile.ts'
import { rollOver } from './roll-over.ts'
import { type AccountState, currentPeriod, type Outcome, refuse } from './state.ts'
import { termsOf } from './terms-of.ts'

/**
 * Closes an earlier period that has left Redis, or corrects one that is closed: its rows become the journal's, summed over employees and organizations. May come
 * again, with what the journal knows later: the archive takes it. Changes nothing in another life than the one that it left, and answers `other_lineage`: a ledger that was lost
 * meanwhile may hold the period again, and book in it what these rows do not have. Refuses with `epoch_open` for the current period, and with
 * `epoch_unknown` for one that never was or was folded away.
 */
export function closeEpoch(
  state: AccountState,
  { epoch, lineage, rows }: CloseEpoch,
  nowMs: number,
): Outcome<CloseEpochAnswer> {
  const current = rollOver(state, nowMs)
  if (epoch >= currentPeriod(current).epoch) return refuse('epoch_open', `period ${epoch} has not ended`)
  const at = current.periods.findIndex((period) => period.epoch === epoch)
  if (at < 0) return refuse('epoch_unknown', `no period ${epoch}`)
  if (lineage !== undefined && lineage !== current.lineage)
    return { ok: true, state: current, answer: { status: 'other_lineage', terms: termsOf(current) } }
  const closed = { ...withRows(current.periods[at]!, archiveRows(rows)), closed: true }
  const next = changed(current, { ...current, periods: current.periods.with(at, closed) }, nowMs)
  return { ok: true, state: next, answer: { status: 'closed', terms: termsOf(next) } }
}
