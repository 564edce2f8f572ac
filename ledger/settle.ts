import { packBooking, packEvidence } from './arguments.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { Evidence, SettleAnswer, SettleRequest } from './ledger.ts'
import { asReply, notLoaded, parseAskJournal, parseSettled, unknownAnswer } from './replies.ts'

/** What the work under `id` cost in all, once; repeated, the first result again. Never refused: what is not there is `uncollected`. */
export async function settle(
  context: LedgerContext,
  request: SettleRequest,
  evidence?: Evidence,
): Promise<SettleAnswer> {
  const { accountId, id } = request
  const keys = accountKeys(accountId)
  const reply = asReply(
    await context.run(
      'settle',
      [keys.account, keys.hold(id), keys.deadlines, keys.dirty, keys.receipts, keys.clock],
      [...packBooking(request), ...packEvidence(evidence)],
    ),
  )
  switch (reply[0]) {
    case 'settled':
    case 'exists':
      return parseSettled(reply[0], reply)
    case 'account_not_loaded':
      return notLoaded
    case 'ask_journal':
      return parseAskJournal(reply)
    default:
      return unknownAnswer('settle', reply)
  }
}
