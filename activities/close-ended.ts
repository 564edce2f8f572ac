import { archiveRows } from '../credits/account/archive-rows.ts'
import type { ActivityDeps } from './deps.ts'

/**
 * Lets periods that have ended and settled leave Redis, and closes them in the account workflow with the journal's rows. `unclosed`: one of
 * them still moves. A crash anywhere only repeats it.
 */
export function createCloseEnded({ ledger, journal, accounts, count }: ActivityDeps) {
  return async (accountId: string, lineage: number, ended: Iterable<number>): Promise<'done' | 'unclosed'> => {
    let outcome: 'done' | 'unclosed' = 'done'
    for (const epoch of ended) {
      const { status } = await ledger.closeEpoch(accountId, lineage, epoch)
      if (status === 'open') outcome = 'unclosed'
      // `absent`: it left Redis before, and the one who saw to that died before the workflow heard of it.
      if (status !== 'closed' && status !== 'absent') continue
      const { epochs } = await journal.totals(accountId, { epochs: [epoch] })
      const answer = await accounts.closeEpoch(accountId, {
        epoch,
        rows: archiveRows(epochs.find((each) => each.epoch === epoch)?.rows ?? {}),
      })
      if (!answer.ok) throw new Error(`period ${epoch} could not be closed: ${answer.code}`)
      await ledger.putTerms(accountId, answer.terms)
      count?.('epochs_closed', 1)
    }
    return outcome
  }
}
