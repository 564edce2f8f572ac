import type { Ledger } from './state.ts'

/** The workflow has taken the rows of this seq. */
export function ackRows(
  ledger: Ledger,
  accountId: string,
  { lineage, seq }: { readonly lineage: number; readonly seq: number },
): void {
  const account = ledger.state.accounts.get(accountId)
  if (account === undefined || account.lineage !== lineage || seq > account.seq) return
  account.acked = Math.max(account.acked, seq)
  if (account.acked === account.seq) ledger.state.dirty.delete(accountId)
}
