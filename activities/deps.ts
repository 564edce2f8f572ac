import type { Policies } from '../credits/catalogue.ts'
import type { Journal } from '../journal/journal.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Accounts } from '../middleware/accounts.ts'
import type { Mailer } from '../middleware/mail/mailer.ts'
import type { Clock } from '../middleware/clock.ts'
import type { WakeRun } from '../middleware/wake-run.ts'

export interface ActivityDeps {
  readonly ledger: Ledger
  readonly journal: Pick<Journal, 'storeReceipts' | 'totals' | 'highestN' | 'newestSerial'>
  readonly accounts: Pick<Accounts, 'reconcile' | 'closeEpoch' | 'nextLineage' | 'view'>
  readonly policies: Pick<Policies, 'largestCorrection'>
  /** An account that nobody used for so long leaves Redis; null = never. Default one hour. */
  readonly evictAfterMs?: number | null | undefined
  /** Of a hold: after another Redis answered, all accounts are checked at once, and again when the holds that came back with it are over. Default a minute. */
  readonly leaseMs?: number | undefined
  /** Accounts are reported to their workflows this long after they became dirty, at least; one that crosses a threshold at once. Default four seconds. */
  readonly reportAfterMs?: number | undefined
  /** A loaded account is looked at this often, and checked in full when it changed. Default ten minutes. */
  readonly checkEveryMs?: number | undefined
  readonly wakeRun: WakeRun
  readonly mailer: Mailer
  /** Where users reach Tollgate, for links in mails; null: not known here. */
  readonly publicUrl?: string | null | undefined
  readonly clock: Clock
  readonly log: ActivityLog
  /** Counts what an operator must know of; a metric. */
  readonly count?: ((event: ReconcileEvent, by: number) => void) | undefined
  /** Each receipt that reached the journal: how long after its settlement, by the clocks of Redis and of this machine. */
  readonly journaled?: ((lagMs: number) => void) | undefined
  /** Every difference between two copies of an account's spend; a metric. */
  readonly drift?: ((drift: Drift) => void) | undefined
}

/** What pino's loggers offer. */
export interface ActivityLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** Everything that the reconciler's activities count. A new event belongs in docs/operations.md. */
export const reconcileEvents = [
  /** Receipts that are in the journal now. */
  'receipts_drained',
  'holds_expired',
  'accounts_reconciled',
  /** An account, a shard or a hold whose turn failed; it is tried again. */
  'turn_failed',
  /** Redis' clock and this machine's are too far apart to expire anything. */
  'clocks_apart',
  'epochs_closed',
  /** Parked runs that were told to go on. */
  'runs_woken',
  /** Alerts that the mail server took; and attempts that it did not. */
  'alerts_mailed',
  'alert_mail_failed',

  // Why an account got another life.
  /** Redis holds another life of the account than its workflow issued last. */
  'other_lineage',
  /** Redis is behind what the workflow took before: it was rolled back. */
  'ledger_behind',
  /** Redis has other rows under a number that the workflow took before: it was rolled back, and went on. */
  'ledger_forked',
  /** The journal has receipts of this life that Redis has not: it was rolled back. */
  'ledger_rolled_back',
  'accounts_repaired',

  // The three-way check.
  /** Checked in full: ledger, workflow and journal. */
  'accounts_checked',
  /** Looked at: neither ledger nor journal had changed since the last check. */
  'accounts_unchanged',
  'accounts_corrected',
  'archives_corrected',
  /** The workflow knew less than it had confirmed: it was restored from a backup. */
  'workflow_behind',
  /** A check gave up waiting for the account's receipts to reach the journal. */
  'journal_behind',
  /** Another Redis answers than before: all accounts are checked at once. */
  'ledger_replaced',
  /** Idle accounts that left Redis. */
  'accounts_evicted',

  // Somebody has to look: see docs/operations.md.
  /** A difference above policies.largestCorrection, left as it is. Counted at every check while it stands. */
  'correction_refused',
  /** The journal has fewer receipts than it confirmed, so it is not believed. Counted at every check while it stands. */
  'journal_lost_commits',
] as const
export type ReconcileEvent = (typeof reconcileEvents)[number]

/** Which copy was wrong. `workflow` is measured against the ledger, the others against the journal. */
export const driftPlaces = ['ledger_rows', 'ledger_windows', 'workflow', 'archive'] as const

export interface Drift {
  readonly where: (typeof driftPlaces)[number]
  /** What the copy had too little (above zero) or too much (below), µcr. */
  readonly amount: number
  /** false: it was too large to be corrected unasked, and stands. Then it is told at every check. */
  readonly corrected: boolean
}
