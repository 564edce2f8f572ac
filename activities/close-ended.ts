import { archiveRows } from '../credits/account/archive-rows.ts'
import type { PeriodView } from '../credits/account/messages.ts'
import { rowDifference } from '../credits/account/row-difference.ts'
import type { TotalsOf } from '../journal/totals.ts'
import type { AccountSnapshot } from '../ledger/ledger.ts'
import type { ActivityDeps } from './deps.ts'
import { createJournalTrust } from './journal-trust.ts'

type Archive = ReturnType<typeof archiveRows>

/**
 * Lets periods that have ended and settled leave Redis, and closes them in the account workflow with the journal's rows. After that there is
 * no other copy of what was spent, so a period stays open while the journal cannot be believed. `unclosed`: one of them stays open for now. A
 * crash anywhere only repeats it.
 */
export function createCloseEnded(deps: ActivityDeps) {
  const { ledger, journal, accounts, count } = deps
  const trust = createJournalTrust(deps)

  return async (accountId: string, lineage: number, ended: Iterable<number>): Promise<'done' | 'unclosed'> => {
    let outcome: 'done' | 'unclosed' = 'done'
    for (const epoch of ended) if ((await close(accountId, lineage, epoch)) === 'unclosed') outcome = 'unclosed'
    return outcome
  }

  async function close(accountId: string, lineage: number, epoch: number): Promise<'done' | 'unclosed'> {
    const snapshot = await ledger.inspect(accountId)
    // Nothing of it is here to be closed.
    if (snapshot.status !== 'loaded') return 'done'
    if (snapshot.lineage !== lineage) return 'unclosed'
    const archive = await journalMayDecide(accountId, snapshot, epoch)
    if (archive === 'no') return 'unclosed'
    if (archive?.closed === true) return removeAgain(accountId, snapshot, archive)
    const { status } = await ledger.closeEpoch(accountId, lineage, epoch)
    if (status === 'open') return 'unclosed'
    // `absent`: it left Redis before, and the one who saw to that died before the workflow heard of it.
    if (status !== 'closed' && status !== 'absent') return 'done'
    // Read again: a call may have settled since.
    const rows = await confirmed(accountId, snapshot, epoch)
    if (rows === null || !(await closeInWorkflow(accountId, lineage, epoch, rows))) return 'unclosed'
    count?.('epochs_closed', 1)
    return 'done'
  }

  /** Redis went back in time, and holds a period that the workflow has closed. It leaves once the archive has all that was booked in it since. */
  async function removeAgain(
    accountId: string,
    snapshot: AccountSnapshot,
    { epoch, rows: have }: PeriodView,
  ): Promise<'done' | 'unclosed'> {
    const { lineage, n } = snapshot
    const rows = await confirmed(accountId, snapshot, epoch)
    if (rows === null) return 'unclosed'
    const differs = Object.keys(rowDifference({ want: rows, have })).length > 0
    if (differs && !(await closeInWorkflow(accountId, lineage, epoch, rows))) return 'unclosed'
    const { status } = await ledger.closeEpoch(accountId, lineage, epoch, n)
    return status === 'open' ? 'unclosed' : 'done'
  }

  /** What the journal has of the period, null while it is not to be believed. */
  async function confirmed(accountId: string, snapshot: AccountSnapshot, epoch: number): Promise<Archive | null> {
    const { rows, received } = await journalled(accountId, snapshot, epoch)
    return trust.hasConfirmed(accountId, snapshot, received) ? archiveRows(rows) : null
  }

  /** The workflow closes the period with these rows; false if the ledger was lost or repaired meanwhile, and may hold it again. */
  async function closeInWorkflow(accountId: string, lineage: number, epoch: number, rows: Archive): Promise<boolean> {
    const answer = await accounts.closeEpoch(accountId, { epoch, lineage, rows })
    if (!answer.ok) throw new Error(`period ${epoch} could not be closed: ${answer.code}`)
    await ledger.putTerms(accountId, answer.terms)
    return answer.status === 'closed'
  }

  /**
   * What the workflow has of the period, if the journal says of it what the copy says that closing it replaces. What differs a little is
   * corrected by the check first.
   */
  async function journalMayDecide(
    accountId: string,
    snapshot: AccountSnapshot,
    epoch: number,
  ): Promise<PeriodView | undefined | 'no'> {
    const { lineage, n } = snapshot
    // What it still is at work on, and receipts that are on their way, would look like a difference.
    if (snapshot.epoch <= epoch || snapshot.drained < n) return 'no'
    const { rows, received } = await journalled(accountId, snapshot, epoch, { lineage, aboveN: n })
    if (!trust.hasConfirmed(accountId, snapshot, received)) return 'no'

    const answer = await accounts.view(accountId)
    if (!answer.ok) throw new Error(`the account workflow does not tell what it knows: ${answer.code}`)
    const archive = answer.view.periods.find((period) => period.epoch === epoch)
    const held = snapshot.earlier.some((book) => book.epoch === epoch)
    // What the ledger holds of a period that is closed already is old: it went back in time.
    const inLedger = held && archive?.closed !== true
    const difference = inLedger
      ? rowDifference({ want: rows, have: snapshot.epochs.find((each) => each.epoch === epoch)?.rows ?? {} })
      : rowDifference({ want: archiveRows(rows), have: archive?.rows ?? {} })
    const size = Object.values(difference).reduce((total, add) => total + Math.abs(add.charged), 0)
    if (!trust.allows(accountId, `period ${epoch}`, size)) return 'no'
    return inLedger && Object.keys(difference).length > 0 ? 'no' : archive
  }

  async function journalled(
    accountId: string,
    { bornIn, lineage }: AccountSnapshot,
    epoch: number,
    without?: TotalsOf['without'],
  ) {
    const receivedOf = { from: bornIn, to: lineage }
    const totals = await journal.totals(accountId, { epochs: [epoch], receivedOf, ...(without && { without }) })
    return { rows: totals.epochs.find((each) => each.epoch === epoch)?.rows ?? {}, received: totals.received }
  }
}
