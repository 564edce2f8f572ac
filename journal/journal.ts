import type { ChargeId } from '../credits/charge-id.ts'
import type { FoundCharge } from '../credits/found-charge.ts'
import type { Receipt } from '../credits/receipt.ts'
import type { ActivityAnswer, ActivityQuery } from './activity.ts'
import type { ApiKey, KeyRequest, NewKey } from './api-key.ts'
import type { JournalEntry } from './journal-entry.ts'
import type { RequestRecord } from './requests.ts'
import type { JournalTotals, LineageRange, TotalsOf } from './totals.ts'
import type { UsageAnswer, UsageQuery } from './usage.ts'

/**
 * PostgreSQL, and nothing but PostgreSQL: each charge by its id, for ever, and the API keys.
 * Every method rejects with JournalUnavailable when the database does not answer; any other rejection is a bug.
 * All times are ms since epoch, all amounts µcr.
 */
export interface Journal {
  /**
   * Writes receipts in their order, in one transaction that is on disk when this resolves. A receipt that is known already changes
   * nothing; a `settled` one after its `expired` adds the difference. May be repeated, and run by several drainers at once.
   */
  storeReceipts(receipts: readonly Receipt[]): Promise<void>

  /** What is known of an id that Redis has forgotten: the settled fact, else the expired one, else null. */
  findCharge(accountId: string, id: ChargeId): Promise<FoundCharge | null>
  /** Which of these charges (1,000 at most) the journal has as settled: what an outbox may forget. */
  settledAmong<T extends { readonly accountId: string; readonly id: ChargeId }>(
    charges: readonly T[],
  ): Promise<readonly T[]>
  /** Sums by epoch and row, and by budget window, read at one moment: all that a ledger needs to come back, or to be compared with. */
  totals(accountId: string, of?: TotalsOf): Promise<JournalTotals>
  /** The highest receipt number of these lives of the account in Redis, receipts that changed nothing included; 0 for lives without any. */
  highestN(accountId: string, lineages: LineageRange): Promise<number>

  /** The receipt of a charge: the settled one, else the expired one, else null. */
  receipt(accountId: string, id: ChargeId): Promise<JournalEntry | null>
  /** The receipts of one chat message, one per charge (settled before expired), oldest first, 500 at most. */
  receiptsOfMessage(accountId: string, messageId: string): Promise<readonly JournalEntry[]>
  /** Entries after a serial, in the order in which they were written, 1,000 at most: how a feed resumes. None is ever skipped. */
  receiptsAfter(accountId: string, serial: number, limit: number): Promise<readonly JournalEntry[]>
  /** The newest serial of the account, 0 before its first entry. */
  newestSerial(accountId: string): Promise<number>
  /** What was charged, newest first, a page at a time. Refuses a cursor that it never gave (`cursor_invalid`). */
  activity(accountId: string, query: ActivityQuery): Promise<ActivityAnswer>
  /** Sums of what was charged, grouped. */
  usage(accountId: string, query: UsageQuery): Promise<UsageAnswer>

  /** The only time that the secret is seen: the journal keeps its SHA-256. Not to be repeated: each call makes another key. */
  createKey(request: KeyRequest): Promise<NewKey>
  /** The key of this secret, revoked or not; null when there is none. */
  findKey(secret: string): Promise<ApiKey | null>
  /** Ends a key; a key that was revoked before stays as it was. null when the account has no such key. */
  revokeKey(accountId: string, id: string, by: string): Promise<ApiKey | null>
  /** The account's keys, newest first, revoked ones included, 500 at most. */
  listKeys(accountId: string): Promise<readonly ApiKey[]>
  /** Keys of all accounts created or revoked after a serial, oldest change first, 1,000 at most: poll with the last one's serial. */
  keysChangedSince(serial: number): Promise<readonly ApiKey[]>
  /** Where polling begins. */
  latestKeySerial(): Promise<number>

  /** Notes which charge a caller's idempotency key stands for. The first one stays; answers the one that stands. */
  rememberRequest(request: RequestRecord): Promise<RequestRecord>
  findRequest(accountId: string, idempotencyKey: string): Promise<RequestRecord | null>

  /** Resolves when the database answers. */
  ping(): Promise<void>
  close(): Promise<void>
}
