import type { Journal } from '../journal/journal.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Accounts } from '../middleware/accounts.ts'
import type { Clock } from '../middleware/clock.ts'

export interface ActivityDeps {
  readonly ledger: Ledger
  readonly journal: Pick<Journal, 'storeReceipts' | 'totals'>
  readonly accounts: Pick<Accounts, 'reconcile' | 'closeEpoch'>
  readonly clock: Clock
  readonly log: ActivityLog
  /** Counts what an operator must know of; a metric. */
  readonly count?: (event: ReconcileEvent, by: number) => void
}

/** What pino's loggers offer. */
export interface ActivityLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export type ReconcileEvent =
  /** Receipts that are in the journal now. */
  | 'receipts_drained'
  | 'holds_expired'
  | 'accounts_reconciled'
  /** An account, a shard or a hold whose turn failed; the next pass tries again. */
  | 'turn_failed'
  /** Redis' clock and this machine's are too far apart to expire anything. */
  | 'clocks_apart'
  /** Redis holds another life of the account than its workflow issued last. */
  | 'other_lineage'
  /** Redis is behind what the workflow took before: it was rolled back. */
  | 'ledger_behind'
  | 'epochs_closed'
