import type { ChargeId } from '../credits/charge-id.ts'
import type { FoundCharge } from '../credits/found-charge.ts'
import type { Receipt } from '../credits/receipt.ts'
import type { AdapterName } from '../credits/session/session.ts'
import type { ActivityAnswer, ActivityQuery } from './activity.ts'
import type { ApiKey, KeyRequest, NewKey } from './api-key.ts'
import type { AuditEntry, AuditIntent, AuditQuery } from './audit.ts'
import type { JournalEntry } from './journal-entry.ts'
import type { Invite, InviteClaim } from './invites.ts'
import type { ClaimAnswer, NewPromoCode, PromoAnswer, PromoCode, Taker } from './promo-codes.ts'
import type { NewOrder, Order } from './orders.ts'
import type { ReferredSignUp } from './referrals.ts'
import type { LinkAnswer, NewSignIn, SignIn } from './sign-ins.ts'
import type { RequestRecord } from './requests.ts'
import type { JournalTotals, LineageRange, TotalsOf } from './totals.ts'
import type { EndAsked, SessionEntry, SessionPage } from './sessions.ts'
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
  /** Those of these charges (1,000 at most) that are known, in the order in which they were written; of an adjusted one both. */
  receiptsById(accountId: string, ids: readonly ChargeId[]): Promise<readonly JournalEntry[]>
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

  /** Who signs in by mail: one account per address, as `mailKey` makes it. */
  readonly people: {
    /** The first account that is noted with an address keeps it; answers with that one. */
    note(person: { readonly email: string; readonly accountId: string }): Promise<string>
    find(email: string): Promise<string | null>
  }

  /** Links that sign in, and browsers that are signed in. Of both secrets only the SHA-256 is kept. */
  readonly signIns: {
    /** The code of a new link; null while the account has `most` that can still be used. */
    createLink(request: {
      readonly accountId: string
      readonly lifetimeMs: number
      readonly most: number
    }): Promise<string | null>
    /** Signs in, once per link. It also ends sign-ins of the account that began without a link. */
    useLink(request: { readonly code: string; readonly lifetimeMs: number }): Promise<LinkAnswer>
    /** Signs in without a link. */
    begin(request: { readonly accountId: string; readonly lifetimeMs: number }): Promise<NewSignIn>
    find(secret: string): Promise<SignIn | null>
    /** May be repeated. */
    end(secret: string): Promise<void>
  }

  /** Promo codes, counted exactly over all accounts. Codes are as `promoKey` makes them. */
  readonly promoCodes: {
    /** A code that is there already stays as it is. */
    create(
      promo: NewPromoCode & { readonly by: string },
    ): Promise<{ readonly promo: PromoCode; readonly created: boolean }>
    find(code: string): Promise<PromoCode | null>
    /** By code, 500 at most. */
    list(page: { readonly after: string; readonly limit: number }): Promise<readonly PromoCode[]>
    /** Nobody takes it any more; what was taken stays. null when there is none. */
    end(promo: { readonly code: string; readonly by: string }): Promise<PromoCode | null>
    /** Whether it could be taken now, by this person if known. */
    check(promo: { readonly code: string; readonly person: string | null }): Promise<PromoAnswer>
    /** Takes one for the account; may be repeated. */
    claim(taker: Taker): Promise<ClaimAnswer>
    /** Gives it back, where no account came of it. */
    release(taker: Pick<Taker, 'code' | 'accountId'>): Promise<void>
  }

  /** Referral links, and who came through them. */
  readonly referrals: {
    /** The account's code, made when it is first asked for. */
    codeOf(accountId: string): Promise<string>
    /** Whose code it is, in upper or lower case. */
    find(code: string): Promise<string | null>
    /** Once per friend; whether it was now. */
    note(signUp: ReferredSignUp): Promise<boolean>
    /** The sign-up came to nothing. */
    forget(signUp: Pick<ReferredSignUp, 'accountId' | 'referrer'>): Promise<void>
    accepted(referrer: string): Promise<number>
  }

  /** Invitations by mail, one per account and address. */
  readonly invites: {
    /**
     * Before it is sent, for the first time or again: `too_soon` where the address was written to within `withinMs`, `too_many` where that many others were. Of many at once, no more than
     * that are let through.
     */
    claim(invite: InviteClaim): Promise<'claimed' | 'too_soon' | 'too_many'>
    /** It could not be sent: as if it had not been claimed. */
    unclaim(invite: Pick<Invite, 'accountId' | 'email'>): Promise<void>
    find(accountId: string, by: { readonly email: string } | { readonly id: string }): Promise<Invite | null>
    /** Newest first, 200 at most. */
    list(
      accountId: string,
      page: { readonly before?: Pick<Invite, 'id' | 'createdAtMs'> | undefined; readonly limit: number },
    ): Promise<readonly Invite[]>
    count(accountId: string, sentAfterMs: number): Promise<{ readonly all: number; readonly recent: number }>
  }

  /** What users set out to buy. */
  readonly orders: {
    create(order: NewOrder): Promise<Order>
    find(id: string): Promise<Order | null>
    /** Newest first, 200 at most. */
    list(accountId: string, limit: number): Promise<readonly Order[]>
    /** From open to paid, once; answers with the order as it is then, whatever it was. */
    pay(id: string, payment: string): Promise<Order | null>
    cancel(id: string): Promise<Order | null>
    /** What was bought is granted. */
    noteGranted(id: string): Promise<void>
    /** Paid, and not granted yet: 200 at most, oldest first. */
    ungranted(): Promise<readonly Order[]>
  }

  /** Calls and meetings. */
  readonly sessions: {
    /** What begins or has ended; may be repeated, and an end is never taken back. */
    save(entry: SessionEntry): Promise<void>
    /** Its end was asked for, should the ledger forget that. Nothing where it has ended, or is not noted. */
    noteEndAsked(accountId: string, id: string, asked: EndAsked): Promise<void>
    find(accountId: string, id: string): Promise<SessionEntry | null>
    /** Whose room or bot it is. */
    findByRef(adapter: AdapterName, ref: string): Promise<SessionEntry | null>
    /** Newest first, 200 at most. */
    list(accountId: string, page: SessionPage): Promise<readonly SessionEntry[]>
  }

  /** What operators changed. */
  readonly audit: {
    begin(intent: AuditIntent): Promise<string>
    end(id: string, ended: Required<Pick<AuditEntry, 'after'>> & { readonly outcome: string }): Promise<void>
    list(query: AuditQuery): Promise<readonly AuditEntry[]>
  }

  /** Resolves when the database answers. */
  ping(): Promise<void>
  close(): Promise<void>
}
