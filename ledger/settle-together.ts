import { checkChargeId } from '../credits/charge-id.ts'
import { rowKey } from '../credits/usage-row.ts'
import { checkAmount, packQuantities } from './arguments.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { Settled, SettleTogetherAnswer, SettleTogetherRequest, SharedCall } from './ledger.ts'
import { asReply, notLoaded, parseSettled, unknownAnswer } from './replies.ts'

/** What several calls under one hold cost, each once per id. Never refused: what is not there is `uncollected`. Throws RangeError for what is no request. */
export async function settleTogether(
  context: LedgerContext,
  { accountId, hold, keeps, calls }: SettleTogetherRequest,
): Promise<SettleTogetherAnswer> {
  checkChargeId(hold)
  if (keeps !== undefined) checkAmount('keeps', keeps)
  const keys = accountKeys(accountId)
  const reply = asReply(
    await context.run(
      'settle-together',
      [
        keys.account,
        keys.hold(hold),
        keys.deadlines,
        keys.dirty,
        keys.receipts,
        keys.clock,
        ...calls.map(({ id }) => keys.hold(id)),
      ],
      [accountId, hold, keeps ?? '', ...calls.flatMap(packCall)],
    ),
  )
  switch (reply[0]) {
    case 'settled':
      return { status: 'settled', calls: calls.map((_, index) => parseCall(reply.slice(1 + 4 * index, 5 + 4 * index))) }
    case 'hold_not_found':
      return { status: 'hold_not_found' }
    case 'account_not_loaded':
      return notLoaded
    default:
      return unknownAnswer('settle-together', reply)
  }
}

function packCall({ id, actual, part, row, quantities, detail }: SharedCall): readonly (string | number)[] {
  checkChargeId(id)
  checkAmount('actual', actual)
  checkAmount('part', part)
  return [id, actual, part, rowKey(row), packQuantities(quantities), JSON.stringify(detail)]
}

function parseCall(reply: readonly unknown[]): Settled | { readonly status: 'alone' } {
  switch (reply[0]) {
    case 'settled':
    case 'exists':
      return parseSettled(reply[0], reply)
    case 'alone':
      return { status: 'alone' }
    default:
      return unknownAnswer('settle-together', reply)
  }
}
