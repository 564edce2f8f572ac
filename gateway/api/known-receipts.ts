import type { ChargeId } from '../../credits/charge-id.ts'
import type { Receipt } from '../../credits/receipt.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import { inOrder } from '../feed/position.ts'
import type { ApiDeps } from './deps.ts'

type ReceiptDeps = Pick<ApiDeps, 'undrained' | 'journal'>

/**
 * The receipt of a charge, from the ledger's stream or from the journal: it is there as soon as the call has its answer.
 * null: nobody knows the id. Rejects with JournalUnavailable when only the journal could tell.
 */
export async function knownReceipt(
  { undrained, journal }: ReceiptDeps,
  accountId: string,
  id: string,
): Promise<Receipt | null> {
  // The stream first: a receipt that is drained in between is then found in the journal.
  const waiting = await undrained(accountId, (receipt) => receipt.id === id)
  const settled = waiting.find((receipt) => receipt.kind === 'settled')
  if (settled !== undefined) return settled
  try {
    return (await journal.receipt(accountId, id)) ?? waiting[0] ?? null
  } catch (error) {
    if (error instanceof JournalUnavailable && waiting[0] !== undefined) return waiting[0]
    throw error
  }
}

/** Of each message all receipts, one per charge, oldest first, those included that are not in the journal yet. */
export async function messageReceipts(
  { undrained, journal }: ReceiptDeps,
  accountId: string,
  messageIds: readonly string[],
): Promise<readonly { readonly messageId: string; readonly receipts: readonly Receipt[] }[]> {
  const messageOf = (receipt: Receipt): string | undefined => receipt.detail?.messageId
  const waiting = await undrained(accountId, (receipt) => messageIds.includes(messageOf(receipt) ?? ''))
  return Promise.all(
    messageIds.map(async (messageId) => {
      const stored = await journal.receiptsOfMessage(accountId, messageId)
      const receipts = [...stored, ...waiting.filter((receipt) => messageOf(receipt) === messageId)]
      return { messageId, receipts: oncePerCharge(receipts) }
    }),
  )
}

/** So many are asked for at once. */
const most = 1_000

/** All receipts of a voice call or meeting, whose charges have these ids: one per charge, oldest first, those included that are not in the journal yet. */
export async function sessionReceipts(
  { undrained, journal }: ReceiptDeps,
  accountId: string,
  sessionId: string,
  ids: readonly ChargeId[],
): Promise<readonly Receipt[]> {
  const waiting = await undrained(accountId, (receipt) => receipt.detail?.session === sessionId)
  const stored: Receipt[] = []
  for (let from = 0; from < ids.length; from += most)
    stored.push(...(await journal.receiptsById(accountId, ids.slice(from, from + most))))
  return oncePerCharge([...stored, ...waiting])
}

/** One receipt per charge: the settled one where there are two. */
export function oncePerCharge(receipts: readonly Receipt[]): readonly Receipt[] {
  const byId = new Map<string, Receipt>()
  for (const receipt of receipts) {
    if (byId.get(receipt.id)?.kind !== 'settled') byId.set(receipt.id, receipt)
  }
  // Many charges share a millisecond; their numbers tell which came first.
  return [...byId.values()].toSorted((one, other) => one.atMs - other.atMs || inOrder(one, other))
}
