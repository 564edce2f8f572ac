import type { Receipt } from '../../credits/receipt.ts'
import type { JournalEntry } from '../../journal/journal-entry.ts'
import type { Journal } from '../../journal/journal.ts'
import type { UndrainedReceipts } from '../../ledger/undrained-receipts.ts'
import { inOrder, isAfter, type Position } from './position.ts'

export interface Missed {
  /** Oldest first. */
  readonly receipts: readonly Receipt[]
  /** The journal's serial up to which they are complete; null when it was not asked or did not answer. */
  readonly serial: number | null
}

export interface MissedDeps {
  readonly journal: Pick<Journal, 'receiptsAfter'>
  readonly undrained: UndrainedReceipts
}

const pageSize = 500
/** A viewer who was away for more than this many charges gets the latest of them: pages load lists anew after a reconnect. */
const mostPages = 10

/** What was charged after a position: from the stream, then from the journal, so that a receipt on its way between them is in one of both. */
export async function missedReceipts(
  { journal, undrained }: MissedDeps,
  accountId: string,
  since: Position,
): Promise<Missed> {
  const waiting = await undrained(accountId, (receipt) => isAfter(receipt, since))
  const stored = since.serial === null ? null : await journalAfter(journal, accountId, since.serial)
  const byNumber = new Map<string, Receipt>()
  for (const receipt of [...(stored ?? []), ...waiting]) {
    if (isAfter(receipt, since)) byNumber.set(`${receipt.lineage}.${receipt.n}`, receipt)
  }
  return {
    receipts: [...byNumber.values()].toSorted(inOrder),
    serial: stored === null ? null : (stored.at(-1)?.serial ?? since.serial),
  }
}

async function journalAfter(
  journal: MissedDeps['journal'],
  accountId: string,
  serial: number,
): Promise<readonly JournalEntry[]> {
  let found: readonly JournalEntry[] = []
  for (let page = 0; page < mostPages; page += 1) {
    const entries = await journal.receiptsAfter(accountId, found.at(-1)?.serial ?? serial, pageSize)
    found = [...found, ...entries]
    if (entries.length < pageSize) break
  }
  return found
}
