import { forgetAt, holdOf, type Ledger, type StreamEntry } from './state.ts'

/** The head of the stream. `after`: a cursor that the caller stored, which the rules forbid. */
export function receipts(ledger: Ledger, count: number, after: number): readonly StreamEntry[] {
  const { stream } = ledger.state
  if (ledger.rules.readFromHead) return stream.slice(0, count)
  return stream.filter((entry) => entry.entryId > after).slice(0, count)
}

/** These receipts are in the journal. Trims them and lets their tombstones go in time, only if the head of the stream still is exactly these. */
export function ackReceipts(ledger: Ledger, entries: readonly StreamEntry[]): 'acked' | 'head_moved' {
  const { rules, state } = ledger
  const same = entries.every((entry, index) => {
    const here = state.stream[index]
    return here?.entryId === entry.entryId && here.receipt.id === entry.receipt.id && here.receipt.n === entry.receipt.n
  })
  if (rules.ackOnlySameHead && rules.readFromHead && !same) return 'head_moved'
  const last = entries.at(-1)?.entryId ?? 0
  state.stream = state.stream.filter((entry) => entry.entryId > last)
  for (const { receipt } of entries) {
    const account = state.accounts.get(receipt.accountId)
    // Receipts of an earlier life have their own count
    if (account !== undefined && receipt.lineage >= account.bornIn) {
      account.drained = Math.max(account.drained, Math.min(account.n, receipt.n))
    }
    const tombstone = holdOf(ledger, receipt)
    if (tombstone === undefined || tombstone.state === 'active') continue
    // An expiry's receipt must not start the clock of the settlement that followed
    if (rules.ackMatchesN && tombstone.n !== receipt.n) continue
    if (tombstone.forgetAtMs === Number.POSITIVE_INFINITY) tombstone.forgetAtMs = forgetAt(ledger, receipt.birthMs)
  }
  return 'acked'
}
