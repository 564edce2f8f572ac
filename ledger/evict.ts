import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { EvictAnswer } from './ledger.ts'
import { asReply, notLoaded, unknownAnswer } from './replies.ts'

/** Lets an account leave Redis if nobody touched it since it was `read` and nothing of it moves or waits; else `in_use`. */
export async function evict(
  context: LedgerContext,
  accountId: string,
  read: { readonly lineage: number; readonly version: number },
): Promise<EvictAnswer> {
  const keys = accountKeys(accountId)
  const reply = asReply(
    await context.run(
      'evict',
      [keys.account, keys.dirty, keys.loaded, keys.deadlines, keys.lock, keys.waiters],
      [accountId, read.lineage, read.version],
    ),
  )
  switch (reply[0]) {
    case 'evicted':
    case 'in_use':
      return { status: reply[0] }
    case 'account_not_loaded':
      return notLoaded
    default:
      return unknownAnswer('evict', reply)
  }
}
