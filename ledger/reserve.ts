import { checkChargeId } from '../credits/charge-id.ts'
import { zero } from '../credits/money.ts'
import { rowKey } from '../credits/usage-row.ts'
import { checkAmount, checkTtl, packEvidence, packLevels } from './arguments.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { Evidence, ReserveAnswer, ReserveRequest } from './ledger.ts'
import { asReply, microOf, notLoaded, parseAskJournal, parseBegan, parseDenied, unknownAnswer } from './replies.ts'

/** Sets credits aside under `id`: as much as is available, between `minimum` and `amount`. Throws RangeError for what is no request. */
export async function reserve(
  context: LedgerContext,
  request: ReserveRequest,
  evidence?: Evidence,
): Promise<ReserveAnswer> {
  const { accountId, id, amount, minimum, ttlMs, row, levels, beside = zero } = request
  checkChargeId(id)
  checkAmount('amount', amount)
  checkAmount('minimum', minimum)
  checkAmount('beside', beside)
  checkTtl(ttlMs)
  if (minimum > amount) throw new RangeError(`minimum ${minimum} is above amount ${amount}`)
  const keys = accountKeys(accountId)
  const reply = asReply(
    await context.run(
      'reserve',
      [keys.account, keys.hold(id), keys.deadlines, keys.clock],
      [accountId, id, amount, minimum, ttlMs, rowKey(row), packLevels(levels), beside, ...packEvidence(evidence)],
    ),
  )
  switch (reply[0]) {
    case 'created':
    case 'exists':
      return { status: reply[0], held: microOf(reply[1]), ...parseBegan(reply[2], reply[3]) }
    case 'exists_with_different_amount':
      return { status: reply[0], held: microOf(reply[1]) }
    case 'already_charged':
      return { status: reply[0], charged: microOf(reply[1]) }
    case 'backlogged':
      return { status: reply[0] }
    case 'account_not_loaded':
      return notLoaded
    case 'ask_journal':
      return parseAskJournal(reply)
    default:
      return parseDenied(reply, 1) ?? unknownAnswer('reserve', reply)
  }
}
