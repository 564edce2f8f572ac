import { checkTtl } from './arguments.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'

/** One hydrate of an account at a time: true if the lock is held under `token` now. */
export async function lock(context: LedgerContext, accountId: string, token: string, ttlMs: number): Promise<boolean> {
  checkTtl(ttlMs)
  return (await context.run('lock', [accountKeys(accountId).lock], [token, ttlMs])) === 1
}
