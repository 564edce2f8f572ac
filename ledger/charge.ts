import { packBooking, packEvidence } from './arguments.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { ChargeAnswer, ChargeRequest, Evidence } from './ledger.ts'
import { asReply, microOf, notLoaded, parseAskJournal, parseDenied, parseSettled, unknownAnswer } from './replies.ts'

/** A one-shot debit: all of `actual` or a refusal. Repeated with the same id, the first result again. */
export async function charge(
  context: LedgerContext,
  request: ChargeRequest,
  evidence?: Evidence,
): Promise<ChargeAnswer> {
  const { accountId, id, accepted } = request
  const keys = accountKeys(accountId)
  const reply = asReply(
    await context.run(
      'charge',
      [keys.account, keys.hold(id), keys.dirty, keys.receipts, keys.clock],
      [...packBooking(request), accepted ? 1 : 0, ...packEvidence(evidence)],
    ),
  )
  switch (reply[0]) {
    case 'settled':
    case 'exists':
      return parseSettled(reply[0], reply)
    case 'exists_with_different_amount':
      return { status: reply[0], charged: microOf(reply[1]) }
    case 'backlogged':
      return { status: reply[0] }
    case 'account_not_loaded':
      return notLoaded
    case 'ask_journal':
      return parseAskJournal(reply)
    default:
      return parseDenied(reply, 1) ?? unknownAnswer('charge', reply)
  }
}
