import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'

/** A run that goes on, or ended, without being woken. */
export async function stopWaiting(context: LedgerContext, accountId: string, waiter: string): Promise<void> {
  const keys = accountKeys(accountId)
  await context.run('stop-waiting', [keys.waiters, keys.needs], [waiter])
}
