import { sql } from 'drizzle-orm'
import { boolean, check, index, integer, jsonb, pgSchema, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import type { ReceiptDetail } from '../credits/receipt.ts'
import { roundings } from '../credits/session/price.ts'
import { adapterNames, endReasons, platforms, sessionKinds } from '../credits/session/session.ts'
import { whole } from './whole-number.ts'

/** A schema of its own, so that the journal may live in a database that holds other things too. */
export const tollgate = pgSchema('tollgate')

/** One row per account: whoever stores receipts locks it first, which orders writers and makes `last_serial` grow in commit order. */
export const accounts = tollgate.table('accounts', {
  accountId: text('account_id').primaryKey(),
  lastSerial: whole('last_serial').notNull(),
})

/**
 * Append-only: one row per fact about a charge. Amounts and quantities are the totals of the id; `added…` is what this entry
 * changed, so that a sum of `added` over any entries is exact without looking at the others. All times are ms since epoch.
 */
export const entries = tollgate.table(
  'entries',
  {
    accountId: text('account_id').notNull(),
    serial: whole('serial').notNull(),
    id: text('id').notNull(),
    kind: text('kind', { enum: ['settled', 'expired'] }).notNull(),
    epoch: integer('epoch').notNull(),
    calledIn: integer('called_in').notNull(),
    row: text('row_key').notNull(),
    category: text('category').notNull(),
    tier: text('tier').notNull(),
    model: text('model').notNull(),
    item: text('item').notNull(),
    employee: text('employee').notNull(),
    organization: text('organization').notNull(),
    charged: whole('charged').notNull(),
    uncollected: whole('uncollected').notNull(),
    units: whole('units').notNull(),
    inputTokens: whole('input_tokens').notNull(),
    cachedTokens: whole('cached_tokens').notNull(),
    outputTokens: whole('output_tokens').notNull(),
    reasoningTokens: whole('reasoning_tokens').notNull(),
    addedCharged: whole('added_charged').notNull(),
    addedUncollected: whole('added_uncollected').notNull(),
    addedUnits: whole('added_units').notNull(),
    addedInputTokens: whole('added_input_tokens').notNull(),
    addedCachedTokens: whole('added_cached_tokens').notNull(),
    addedOutputTokens: whole('added_output_tokens').notNull(),
    addedReasoningTokens: whole('added_reasoning_tokens').notNull(),
    windows: text('windows').array().notNull(),
    lineage: whole('lineage').notNull(),
    n: whole('n').notNull(),
    atMs: whole('at_ms').notNull(),
    messageId: text('message_id').notNull(),
    detail: jsonb('detail').$type<ReceiptDetail>(),
  },
  (entry) => [
    primaryKey({ columns: [entry.accountId, entry.serial] }),
    uniqueIndex('entries_charge').on(entry.accountId, entry.id, entry.kind),
    index('entries_time').on(entry.accountId, entry.atMs, entry.serial),
    // What came after a receipt of one life in Redis: the check of a ledger that goes on charging.
    index('entries_life').on(entry.accountId, entry.lineage, entry.n),
    // Cut short, so that an overlong message id cannot outgrow the index and block the drain.
    index('entries_message')
      .on(entry.accountId, sql`left(${entry.messageId}, 100)`)
      .where(sql`${entry.messageId} <> ''`),
    check('entries_kind', sql`${entry.kind} in ('settled', 'expired')`),
  ],
)

/** What each usage row has come to, kept in the transaction that inserts the entries. */
export const rowTotals = tollgate.table(
  'row_totals',
  {
    accountId: text('account_id').notNull(),
    epoch: integer('epoch').notNull(),
    row: text('row_key').notNull(),
    charged: whole('charged').notNull(),
    uncollected: whole('uncollected').notNull(),
    units: whole('units').notNull(),
    inputTokens: whole('input_tokens').notNull(),
    cachedTokens: whole('cached_tokens').notNull(),
    outputTokens: whole('output_tokens').notNull(),
    reasoningTokens: whole('reasoning_tokens').notNull(),
  },
  (total) => [primaryKey({ columns: [total.accountId, total.epoch, total.row] })],
)

/** What each budget level has spent in each of its windows. */
export const windowTotals = tollgate.table(
  'window_totals',
  {
    accountId: text('account_id').notNull(),
    level: text('level').notNull(),
    window: text('window').notNull(),
    spent: whole('spent').notNull(),
    changedSerial: whole('changed_serial').notNull(),
  },
  (total) => [primaryKey({ columns: [total.accountId, total.level, total.window] })],
)

/**
 * Which receipt numbers have come of each life of an account in Redis, receipts that were ignored included. A life is numbered without a
 * hole, and stored in that order: `gap` says that one came without the one before it. `firstN` is null for lives from before it was kept.
 */
export const lineages = tollgate.table(
  'lineages',
  {
    accountId: text('account_id').notNull(),
    lineage: whole('lineage').notNull(),
    highestN: whole('highest_n').notNull(),
    firstN: whole('first_n'),
    gap: boolean('gap').notNull().default(false),
  },
  (life) => [primaryKey({ columns: [life.accountId, life.lineage] })],
)

/** API keys; of the secret only its SHA-256. `serial` grows with every change of any key. */
export const apiKeys = tollgate.table(
  'api_keys',
  {
    id: text('id').primaryKey(),
    accountId: text('account_id').notNull(),
    name: text('name').notNull(),
    secretHash: text('secret_hash').notNull(),
    employees: text('employees').array(),
    namesEmployee: boolean('names_employee').notNull(),
    namesOrganization: boolean('names_organization').notNull(),
    namesMessage: boolean('names_message').notNull(),
    namesPurpose: boolean('names_purpose').notNull(),
    createsEmployees: boolean('creates_employees').notNull(),
    createdBy: text('created_by').notNull(),
    createdAtMs: whole('created_at_ms').notNull(),
    revokedBy: text('revoked_by'),
    revokedAtMs: whole('revoked_at_ms'),
    serial: whole('serial').notNull(),
  },
  (key) => [
    uniqueIndex('api_keys_secret').on(key.secretHash),
    uniqueIndex('api_keys_serial').on(key.serial),
    index('api_keys_account').on(key.accountId, key.createdAtMs, key.id),
  ],
)

/** Which charge a caller's idempotency key stands for, once Redis has forgotten it. The key is kept as its SHA-256: it may be of any length. */
export const idempotencyKeys = tollgate.table(
  'idempotency_keys',
  {
    accountId: text('account_id').notNull(),
    keyHash: text('key_hash').notNull(),
    chargeId: text('charge_id').notNull(),
    requestHash: text('request_hash').notNull(),
    createdAtMs: whole('created_at_ms').notNull(),
  },
  (key) => [primaryKey({ columns: [key.accountId, key.keyHash] })],
)

/** Who signs in by mail: one account per address, the first that signed up with it. The address is as `mailKey` makes it. */
export const people = tollgate.table(
  'people',
  {
    email: text('email').primaryKey(),
    accountId: text('account_id').notNull(),
    createdAtMs: whole('created_at_ms').notNull(),
  },
  (person) => [index('people_account').on(person.accountId)],
)

/** Links that were mailed: each signs in once, before it expires. Of the code only its SHA-256. */
export const loginLinks = tollgate.table(
  'login_links',
  {
    codeHash: text('code_hash').primaryKey(),
    accountId: text('account_id').notNull(),
    createdAtMs: whole('created_at_ms').notNull(),
    expiresAtMs: whole('expires_at_ms').notNull(),
    usedAtMs: whole('used_at_ms'),
  },
  (link) => [index('login_links_account').on(link.accountId, link.createdAtMs)],
)

/** Who is signed in with a browser. Of the cookie only its SHA-256. */
export const signIns = tollgate.table('sign_ins', {
  secretHash: text('secret_hash').primaryKey(),
  accountId: text('account_id').notNull(),
  /** By a mailed link: whoever holds the mailbox. Only a sign-up signs in without one. */
  byLink: boolean('by_link').notNull(),
  createdAtMs: whole('created_at_ms').notNull(),
  expiresAtMs: whole('expires_at_ms').notNull(),
  endedAtMs: whole('ended_at_ms'),
})

/** Promo codes, and how often each was taken: `taken` counts the rows of `promo_redemptions`, and changes in their transaction. */
export const promoCodes = tollgate.table('promo_codes', {
  code: text('code').primaryKey(),
  amount: whole('amount').notNull(),
  keeps: boolean('keeps').notNull(),
  periods: integer('periods'),
  validFromMs: whole('valid_from_ms'),
  validUntilMs: whole('valid_until_ms'),
  mostTaken: integer('most_taken'),
  mostPerPerson: integer('most_per_person').notNull(),
  taken: integer('taken').notNull(),
  createdBy: text('created_by').notNull(),
  createdAtMs: whole('created_at_ms').notNull(),
  endedBy: text('ended_by'),
  endedAtMs: whole('ended_at_ms'),
})

/** Who took a promo code, once per account. `person` tells the same person under two accounts: the address as `personKey` makes it. */
export const promoRedemptions = tollgate.table(
  'promo_redemptions',
  {
    code: text('code').notNull(),
    accountId: text('account_id').notNull(),
    person: text('person').notNull(),
    atMs: whole('at_ms').notNull(),
  },
  (redemption) => [
    primaryKey({ columns: [redemption.code, redemption.accountId] }),
    index('promo_redemptions_person').on(redemption.code, redemption.person),
  ],
)

/** The code in an account's referral link: one per account, made when it is first asked for. */
export const referralCodes = tollgate.table(
  'referral_codes',
  {
    code: text('code').primaryKey(),
    accountId: text('account_id').notNull(),
  },
  (referral) => [uniqueIndex('referral_codes_account').on(referral.accountId)],
)

/** Who signed up through whose link. What it earned is the account workflow's to know. */
export const referredSignUps = tollgate.table(
  'referred_sign_ups',
  {
    accountId: text('account_id').primaryKey(),
    referrer: text('referrer').notNull(),
    email: text('email').notNull(),
    atMs: whole('at_ms').notNull(),
  },
  (signUp) => [index('referred_sign_ups_referrer').on(signUp.referrer, signUp.atMs)],
)

/** Invitations by mail: one per account and address, sent again at most once a day. */
export const invites = tollgate.table(
  'invites',
  {
    id: text('id').primaryKey(),
    accountId: text('account_id').notNull(),
    email: text('email').notNull(),
    timesSent: integer('times_sent').notNull(),
    createdAtMs: whole('created_at_ms').notNull(),
    sentAtMs: whole('sent_at_ms').notNull(),
  },
  (invite) => [
    uniqueIndex('invites_address').on(invite.accountId, invite.email),
    index('invites_account').on(invite.accountId, invite.createdAtMs),
  ],
)

/** What users set out to buy. Paid once; what was bought is granted under the order's id. */
export const orders = tollgate.table(
  'orders',
  {
    id: text('id').primaryKey(),
    accountId: text('account_id').notNull(),
    kind: text('kind', { enum: ['plan', 'pack'] }).notNull(),
    item: text('item').notNull(),
    name: text('name').notNull(),
    amount: whole('amount').notNull(),
    priceCents: integer('price_cents').notNull(),
    status: text('status', { enum: ['open', 'paid', 'cancelled'] }).notNull(),
    /** The payment's own id, by whoever took the money. */
    payment: text('payment'),
    createdAtMs: whole('created_at_ms').notNull(),
    paidAtMs: whole('paid_at_ms'),
    /** When what was bought was granted: an order that is paid and has none is granted again, which is harmless. */
    grantedAtMs: whole('granted_at_ms'),
  },
  (order) => [index('orders_account').on(order.accountId, order.createdAtMs)],
)

/** Calls and meetings: noted when they begin, and again when they have ended. What they cost minute by minute is in the receipts. */
export const sessions = tollgate.table(
  'sessions',
  {
    accountId: text('account_id').notNull(),
    id: text('id').notNull(),
    kind: text('kind', { enum: sessionKinds }).notNull(),
    employee: text('employee').notNull(),
    organization: text('organization').notNull(),
    messageId: text('message_id').notNull(),
    adapter: text('adapter', { enum: adapterNames }).notNull(),
    /** By which the adapter finds it: a room, a bot. */
    ref: text('ref').notNull(),
    platform: text('platform', { enum: platforms }),
    perMinute: whole('per_minute').notNull(),
    rounding: text('rounding', { enum: roundings }).notNull(),
    startedAtMs: whole('started_at_ms').notNull(),
    /** When it was asked to end, by Redis' time; null until then. */
    endAskedAtMs: whole('end_asked_at_ms'),
    /** These three are null until it has ended; the reason is there from when it was asked to. */
    endedAtMs: whole('ended_at_ms'),
    endReason: text('end_reason', { enum: endReasons }),
    charged: whole('charged'),
  },
  (session) => [
    primaryKey({ columns: [session.accountId, session.id] }),
    index('sessions_account').on(session.accountId, session.startedAtMs, session.id),
    index('sessions_ref').on(session.adapter, session.ref),
  ],
)

/** Every change that an operator made: noted before it is tried (`outcome` null), and again with how it ended. */
export const audit = tollgate.table(
  'audit',
  {
    id: text('id').primaryKey(),
    atMs: whole('at_ms').notNull(),
    /** '' for what concerns no single account. */
    accountId: text('account_id').notNull(),
    who: text('who').notNull(),
    action: text('action').notNull(),
    why: text('why').notNull(),
    request: jsonb('request').$type<Readonly<Record<string, unknown>>>().notNull(),
    before: jsonb('before').$type<Readonly<Record<string, unknown>>>(),
    after: jsonb('after').$type<Readonly<Record<string, unknown>>>(),
    /** 'done', or the code of the refusal. */
    outcome: text('outcome'),
  },
  (entry) => [index('audit_account').on(entry.accountId, entry.atMs), index('audit_time').on(entry.atMs)],
)
