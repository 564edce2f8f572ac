import type { Cluster, Redis } from 'ioredis'
import type { Micro } from '../credits/money.ts'
import type { Receipt, ReceiptDetail } from '../credits/receipt.ts'
import { type Quantities, quantityNames } from '../credits/usage-row.ts'
import { pairsOf } from './account-hash.ts'
import { shardKeys } from './keys.ts'
import type { StreamedReceipt } from './ledger.ts'
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
    return entries.map(([entryId, fields]) => ({ entryId, receipt: parseReceipt(pairsOf(fields)) }))
  } catch (error) {
    throw asLedgerFailure(error)
  }
}

export function parseReceipt(fields: ReadonlyMap<string, string>): Receipt {
  const text = (name: string): string => {
    const value = fields.get(name)
    if (value === undefined) throw new TypeError(`a receipt without ${name}`)
    return value
  }
  const number = (name: string): number => {
    const value = Number(text(name))
    if (!Number.isSafeInteger(value)) throw new TypeError(`a receipt whose ${name} is no whole number: ${text(name)}`)
    return value
  }
  const quantities = text('quantities').split(',').map(Number)
  return {
    accountId: text('account'),
    id: text('id'),
    kind: text('kind') === 'expired' ? 'expired' : 'settled',
    epoch: number('epoch'),
    calledIn: number('calledIn'),
    row: text('row'),
    quantities: Object.fromEntries(
      quantityNames.map((name, index) => [name, quantities[index]!]),
    ) as unknown as Quantities,
    charged: number('charged') as Micro,
    uncollected: number('uncollected') as Micro,
    windows: text('windows')
      .split('\n')
      .filter((window) => window !== '') as Receipt['windows'][number][],
    lineage: number('lineage'),
    n: number('n'),
    atMs: number('atMs'),
    detail: text('detail') === '' ? null : (JSON.parse(text('detail')) as ReceiptDetail),
  }
}
