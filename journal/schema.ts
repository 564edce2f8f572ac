import { sql } from 'drizzle-orm'
import { boolean, check, index, integer, jsonb, pgSchema, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import type { ReceiptDetail } from '../credits/receipt.ts'
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
