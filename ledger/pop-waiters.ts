import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { PopAnswer } from './ledger.ts'
import { asReply, notLoaded, textOf, unknownAnswer } from './replies.ts'

/** What was woken has reserved what it needs by then. */
const againMs = 5_000

/** Those who may go on now, oldest first, at most `most`. */
export async function popWaiters(context: LedgerContext, accountId: string, most: number): Promise<PopAnswer> {
  const keys = accountKeys(accountId)
  const [status, ...waiters] = asReply(
    await context.run(
      'pop-waiters',
      [keys.account, keys.waiters, keys.needs, keys.wakeable],
      [accountId, most, againMs],
    ),
  )
  if (status === 'account_not_loaded') return notLoaded
  if (status !== 'popped') return unknownAnswer('popWaiters', [status])
  return { status, waiters: waiters.map(textOf) }
}
