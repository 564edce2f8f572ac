import { checkAmount } from './arguments.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { WaitAnswer, WaitRequest } from './ledger.ts'
import { asReply, microOf, notLoaded, unknownAnswer } from './replies.ts'

/** Registers a run that was refused, unless there is enough by now. Throws RangeError for what is no request. */
export async function wait(context: LedgerContext, { accountId, waiter, need }: WaitRequest): Promise<WaitAnswer> {
  checkAmount('need', need)
  if (waiter === '') throw new RangeError('a waiter needs a name')
  const keys = accountKeys(accountId)
  const reply = asReply(await context.run('wait', [keys.account, keys.waiters, keys.needs], [waiter, need]))
  switch (reply[0]) {
    case 'ready':
      return { status: 'ready', available: microOf(reply[1]) }
    case 'waiting':
    case 'held':
      return { status: reply[0] }
    case 'account_not_loaded':
      return notLoaded
    default:
      return unknownAnswer('wait', reply)
  }
}
