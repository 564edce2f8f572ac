import type { Cluster, Redis } from 'ioredis'
import type { Receipt } from '../credits/receipt.ts'
import { shardKeys, shardOf } from './keys.ts'
import { parseReceipt } from './receipts.ts'
import { asLedgerFailure } from './unavailable.ts'

/** Receipts of an account that the journal may not have yet and that fit, newest first. */
export type UndrainedReceipts = (accountId: string, fits: (receipt: Receipt) => boolean) => Promise<readonly Receipt[]>

const pageSize = 1_000
/** How far back to look while the journal is away and the stream grows: about ten seconds of one busy shard. */
const mostPages = 20

/** Looks through the account's shard stream, which is short while the journal drains it. Rejects with LedgerUnavailable. */
export function createUndrainedReceipts(redis: Redis | Cluster): UndrainedReceipts {
  return async (accountId, fits) => {
    const { receipts: stream } = shardKeys(shardOf(accountId))
    const found: Receipt[] = []
    let before = '+'
    for (let page = 0; page < mostPages; page += 1) {
      const entries = await redis.xrevrange(stream, before, '-', 'COUNT', pageSize).catch((error: unknown) => {
        throw asLedgerFailure(error)
      })
      for (const [, fields] of entries) {
        // The account is the first field: the receipts of the shard's other accounts are not even parsed.
        if (fields[1] !== accountId) continue
        const receipt = parseReceipt(fields)
        if (fits(receipt)) found.push(receipt)
      }
      if (entries.length < pageSize) break
      before = `(${entries.at(-1)![0]}`
    }
    return found
  }
}
