import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { ExpireAnswer, HoldName } from './ledger.ts'
import { asReply, microOf, notLoaded, unknownAnswer } from './replies.ts'

/** Charges what an overdue hold had accrued and gives back the rest. Before its deadline: `not_due`. */
export async function expire(context: LedgerContext, { accountId, id }: HoldName): Promise<ExpireAnswer> {
  const keys = accountKeys(accountId)
  const reply = asReply(
    await context.run(
      'expire',
      [keys.account, keys.hold(id), keys.deadlines, keys.dirty, keys.receipts],
      [accountId, id],
    ),
  )
  switch (reply[0]) {
    case 'expired':
      return { status: 'expired', charged: microOf(reply[1]) }
    case 'not_due':
    case 'hold_not_found':
      return { status: reply[0] }
    case 'account_not_loaded':
      return notLoaded
    default:
      return unknownAnswer('expire', reply)
  }
}
