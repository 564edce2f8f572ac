import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import { asReply, textOf } from './replies.ts'

/** The ids of an account's sessions that have not ended, in no order. One whose record was lost may be among them. */
export async function openSessions(context: LedgerContext, accountId: string): Promise<readonly string[]> {
  return asReply(await context.run('open-sessions', [accountKeys(accountId).openSessions], [])).map(textOf)
}
