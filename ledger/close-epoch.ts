import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { CloseEpochAnswer } from './ledger.ts'
import { asReply, notLoaded, unknownAnswer } from './replies.ts'

/**
 * Lets an earlier epoch leave Redis once it has no holds and journal, workflow and terms know all of it; else `open`. `archivedN`: the workflow has
 * closed it before, and its archive has all that was spent up to this n; if the account is there now, the terms need not know of it.
 */
export async function closeEpoch(
  context: LedgerContext,
  accountId: string,
  lineage: number,
  epoch: number,
  archivedN?: number,
): Promise<CloseEpochAnswer> {
  const keys = accountKeys(accountId)
  const reply = asReply(
    await context.run('close-epoch', [keys.account], [lineage, epoch, ...(archivedN === undefined ? [] : [archivedN])]),
  )
  switch (reply[0]) {
    case 'closed':
    case 'open':
    case 'absent':
      return { status: reply[0] }
    case 'account_not_loaded':
      return notLoaded
    default:
      return unknownAnswer('closeEpoch', reply)
  }
}
