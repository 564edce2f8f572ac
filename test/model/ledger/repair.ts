import { type Ledger, markDirty, notLoaded, type NotLoaded } from './state.ts'

export type RepairAnswer = { readonly status: 'repaired' | 'exists' | 'other_lineage' } | NotLoaded

/** Begins another life of an account that Redis still holds, only if it is in the life `from` now. Holds stay. */
export function repair(
  ledger: Ledger,
  accountId: string,
  { from, to }: { readonly from: number; readonly to: number },
): RepairAnswer {
  const account = ledger.state.accounts.get(accountId)
  if (account === undefined) return notLoaded
  if (account.lineage === to) return { status: 'exists' }
  if (account.lineage !== from && ledger.rules.repairOnlyWhatWasRead) return { status: 'other_lineage' }
  account.lineage = to
  account.acked = 0
  account.version += 1
  if (ledger.rules.repairKnownSince) account.knownSinceMs = ledger.nowMs()
  markDirty(ledger, accountId)
  return { status: 'repaired' }
}
