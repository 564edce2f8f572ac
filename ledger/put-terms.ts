import type { Terms } from '../credits/terms.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { PutTermsAnswer } from './ledger.ts'
import { asReply, notLoaded, unknownAnswer } from './replies.ts'
import { packTerms } from './terms-arguments.ts'

/** Puts the terms if they are newer than the account's; a new epoch opens with empty rows. Safe to repeat and to reorder. */
export async function putTerms(context: LedgerContext, accountId: string, terms: Terms): Promise<PutTermsAnswer> {
  const keys = accountKeys(accountId)
  const reply = asReply(
    await context.run(
      'put-terms',
      [keys.account, keys.dirty, keys.waiters, keys.wakeable],
      [accountId, ...packTerms(terms)],
    ),
  )
  switch (reply[0]) {
    case 'put':
    case 'older':
      return { status: reply[0] }
    case 'account_not_loaded':
      return notLoaded
    default:
      return unknownAnswer('putTerms', reply)
  }
}
