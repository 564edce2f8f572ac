import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'

/** Puts an account at the end of the queue of `unchecked`. */
export async function noteChecked(context: LedgerContext, accountId: string): Promise<void> {
  const keys = accountKeys(accountId)
  await context.run('note-checked', [keys.account, keys.loaded], [accountId])
}
