import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { RepairAnswer } from './ledger.ts'
import { asReply, integerOf, notLoaded, unknownAnswer } from './replies.ts'

/** Begins the life `to` of an account whose life is `from` now; holds stay, all rows are to be sent again, and the account to be checked at once. Repeated: `exists`. */
export async function repair(
  context: LedgerContext,
  accountId: string,
  lives: { readonly from: number; readonly to: number },
): Promise<RepairAnswer> {
  const keys = accountKeys(accountId)
  const reply = asReply(
    await context.run('repair', [keys.account, keys.dirty, keys.loaded], [accountId, lives.from, lives.to]),
  )
  switch (reply[0]) {
    case 'repaired':
    case 'exists':
      return { status: reply[0] }
    case 'other_lineage':
      return { status: 'other_lineage', lineage: integerOf(reply[1]) }
    case 'account_not_loaded':
      return notLoaded
    default:
      return unknownAnswer('repair', reply)
  }
}
