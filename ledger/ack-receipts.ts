import type { LedgerContext } from './context.ts'
import { accountKeys, shardKeys, shardOf } from './keys.ts'
import type { StreamedReceipt } from './ledger.ts'

/** Trims receipts that the journal has committed, only if the head of the stream still is exactly these. Throws RangeError for those of another shard. */
export async function ackReceipts(
  context: LedgerContext,
  shard: number,
  entries: readonly StreamedReceipt[],
): Promise<'acked' | 'head_moved'> {
  const { receipts, clock } = shardKeys(shard)
  const stray = entries.find(({ receipt }) => shardOf(receipt.accountId) !== shard)
  if (stray !== undefined) throw new RangeError(`a receipt of another shard: ${stray.receipt.id}`)
  const keys = entries.flatMap(({ receipt }) => {
    const { account, hold } = accountKeys(receipt.accountId)
    return [account, hold(receipt.id)]
  })
  const args = entries.flatMap(({ entryId, receipt }) => [entryId, receipt.id, receipt.kind, receipt.n])
  const answer = await context.run('ack-receipts', [receipts, clock, ...keys], args)
  if (answer !== 'acked' && answer !== 'head_moved')
    throw new TypeError(`ackReceipts answered what nobody knows: ${String(answer)}`)
  return answer
}
