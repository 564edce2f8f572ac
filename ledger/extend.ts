import { checkAmount, checkTtl } from './arguments.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { ExtendAnswer, ExtendRequest } from './ledger.ts'
import { asReply, microOf, notLoaded, parseDenied, unknownAnswer } from './replies.ts'

/** The next slice of a lease, granted in part when less is left. `accrued` is cumulative: what the call is charged should nobody settle it. */
export async function extend(context: LedgerContext, request: ExtendRequest): Promise<ExtendAnswer> {
  const { accountId, id, accrued, more, ttlMs } = request
  checkAmount('accrued', accrued)
  checkAmount('more', more)
  checkTtl(ttlMs)
  const keys = accountKeys(accountId)
  const reply = asReply(
    await context.run('extend', [keys.account, keys.hold(id), keys.deadlines], [accountId, id, accrued, more, ttlMs]),
  )
  switch (reply[0]) {
    case 'extended':
      return { status: 'extended', held: microOf(reply[1]) }
    case 'hold_not_found':
      return { status: 'hold_not_found' }
    case 'account_not_loaded':
      return notLoaded
    default: {
      const denied = parseDenied(reply, 2) ?? unknownAnswer('extend', reply)
      return { ...denied, held: microOf(reply[1]) }
    }
  }
}
