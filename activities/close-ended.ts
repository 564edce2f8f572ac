import { archiveRows } from '../credits/account/archive-rows.ts'
import { rowDifference } from '../credits/account/row-difference.ts'
import type { TotalsOf } from '../journal/totals.ts'
import type { AccountSnapshot } from '../ledger/ledger.ts'
import type { ActivityDeps } from './deps.ts'
import { createJournalTrust } from './journal-trust.ts'

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
    const decision = await journalMayDecide(accountId, snapshot, epoch)
    if (decision === 'no') return 'unclosed'
    const { status } = await ledger.closeEpoch(accountId, lineage, epoch)
    if (status === 'account_not_loaded') return 'done'
    if (status === 'open' && decision !== 'archived') return 'unclosed'
    // `absent`: it left Redis before, and the one who saw to that died before the workflow heard of it.
    // `open`, but archived: Redis went back in time, and something was booked in it since. Its terms, told again, count that, and it can leave.
    // Read again: a call may have settled since.
    const { rows, received } = await journalled(accountId, snapshot, epoch)
    if (!trust.hasConfirmed(accountId, snapshot, received)) return 'unclosed'
    const answer = await accounts.closeEpoch(accountId, { epoch, lineage, rows: archiveRows(rows) })
    if (!answer.ok) throw new Error(`period ${epoch} could not be closed: ${answer.code}`)
    await ledger.putTerms(accountId, answer.terms)
    // The ledger was lost since, and may hold it again
    if (status === 'open' || answer.terms.earlier.some((one) => one.epoch === epoch)) return 'unclosed'
    count?.('epochs_closed', 1)
    return 'done'
  }

  /**
   * Whether the journal says of the period what the copy says that closing it replaces. What differs a little is corrected by the check first.
   * `archived`: the workflow has closed it before.
   */
  async function journalMayDecide(
    accountId: string,
    snapshot: AccountSnapshot,
    epoch: number,
  ): Promise<'no' | 'ended' | 'archived'> {
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
    if (inLedger && Object.keys(difference).length > 0) return 'no'
    return archive?.closed === true ? 'archived' : 'ended'
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
