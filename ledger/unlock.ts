import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'

/** Gives the lock back if it is still held under `token`. May be repeated. */
export async function unlock(context: LedgerContext, accountId: string, token: string): Promise<void> {
  await context.run('unlock', [accountKeys(accountId).lock], [token])
}
