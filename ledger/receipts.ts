import type { Cluster, Redis } from 'ioredis'
import type { Receipt, ReceiptDetail } from '../credits/receipt.ts'
import { type Quantities, quantityNames } from '../credits/usage-row.ts'
import { listOf, numbersOf } from './account-hash.ts'
import { shardKeys } from './keys.ts'
import type { StreamedReceipt } from './ledger.ts'
import { integerOf, microOf } from './replies.ts'
import { asLedgerFailure } from './unavailable.ts'

/**
 * The head of a shard's receipt stream, oldest first. Always the head, never after a cursor: a failover to a node whose clock is behind
 * appends below the cursor. No script, since nothing is decided.
 */
export async function receipts(
  redis: Redis | Cluster,
  shard: number,
  count: number,
): Promise<readonly StreamedReceipt[]> {
  try {
    const entries = await redis.xrange(shardKeys(shard).receipts, '-', '+', 'COUNT', count)
    return entries.map(([entryId, fields]) => ({ entryId, receipt: parseReceipt(fields) }))
  } catch (error) {
    throw asLedgerFailure(error)
  }
}

/** A stream entry as booking.lua writes it. Throws TypeError for what no script wrote. */
export function parseReceipt(fields: readonly string[]): Receipt {
  const [, accountId, , id, , bookedText, , row, , detail] = fields
  if (
    accountId === undefined ||
    id === undefined ||
    bookedText === undefined ||
    row === undefined ||
    detail === undefined
  )
    throw new TypeError(`not a receipt: ${JSON.stringify(fields)}`)
  const [kind, n, lineage, , epoch, calledIn, charged, uncollected, atMs, quantities, windows] = listOf(bookedText)
  const counted = numbersOf(quantities, quantityNames.length)
  return {
    accountId,
    id,
    kind: kind === 'expired' ? 'expired' : 'settled',
    epoch: integerOf(epoch),
    calledIn: integerOf(calledIn),
    row,
    quantities: Object.fromEntries(
      quantityNames.map((name, index) => [name, counted[index]!]),
    ) as unknown as Quantities,
    charged: microOf(charged),
    uncollected: microOf(uncollected),
    windows: windows as Receipt['windows'],
    lineage: integerOf(lineage),
    n: integerOf(n),
    atMs: integerOf(atMs),
    detail: detail === '' ? null : (JSON.parse(detail) as ReceiptDetail),
  }
}
