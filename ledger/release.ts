import { checkChargeId } from '../credits/charge-id.ts'
import { packEvidence } from './arguments.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { Evidence, HoldName, ReleaseAnswer } from './ledger.ts'
import { asReply, notLoaded, parseAskJournal, unknownAnswer } from './replies.ts'

/** The work never ran: gives its hold back without a receipt. A reserve of the same id that arrives later is refused. */
export async function release(
  context: LedgerContext,
  { accountId, id }: HoldName,
  evidence?: Evidence,
): Promise<ReleaseAnswer> {
  checkChargeId(id)
  const keys = accountKeys(accountId)
  const reply = asReply(
    await context.run(
      'release',
      [keys.account, keys.hold(id), keys.deadlines, keys.clock],
      [accountId, id, ...packEvidence(evidence)],
    ),
  )
  switch (reply[0]) {
    case 'released':
    case 'exists':
      return { status: reply[0] }
    case 'account_not_loaded':
      return notLoaded
    case 'ask_journal':
      return parseAskJournal(reply)
    default:
      return unknownAnswer('release', reply)
  }
}
