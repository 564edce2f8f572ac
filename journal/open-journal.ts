import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { readActivity } from './activity.ts'
import { createKey, findKey, keysChangedSince, latestKeySerial, listKeys, revokeKey, type KeyDeps } from './api-key.ts'
import { openDatabase, type JournalLocation } from './database.ts'
import { findCharge, settledAmong } from './find-charge.ts'
import type { Journal } from './journal.ts'
import { findReceipt, newestSerial, receiptsAfter, receiptsOfMessage } from './receipts.ts'
import { findRequest, rememberRequest } from './requests.ts'
import { storeReceipts } from './store-receipts.ts'
import { highestN, readTotals } from './totals.ts'
import { readUsage } from './usage.ts'

/**
 * Opens a journal and brings its schema up to date; several processes may do so at once. Rejects with JournalUnavailable when the database
 * does not answer, and with JournalNotOpened: `journal_newer` (written by a newer program), `journal_in_use` (the folder has an owner).
 */
export async function openJournal(
  location: JournalLocation,
  deps: KeyDeps = { clock: Date.now, randomBytes },
): Promise<Journal> {
  const database = await openDatabase(location)
  return {
    storeReceipts: (receipts) => storeReceipts(database, receipts),
    findCharge: (accountId, id) => findCharge(database, accountId, id),
    settledAmong: (charges) => settledAmong(database, charges),
    totals: (accountId, of) => readTotals(database, accountId, of),
    highestN: (accountId, lineages) => highestN(database, accountId, lineages),
    receipt: (accountId, id) => findReceipt(database, accountId, id),
    receiptsOfMessage: (accountId, messageId) => receiptsOfMessage(database, accountId, messageId),
    receiptsAfter: (accountId, serial, limit) => receiptsAfter(database, accountId, serial, limit),
    newestSerial: (accountId) => newestSerial(database, accountId),
    activity: (accountId, query) => readActivity(database, accountId, query),
    usage: (accountId, query) => readUsage(database, accountId, query),
    createKey: (request) => createKey(database, deps, request),
    findKey: (secret) => findKey(database, secret),
    revokeKey: (accountId, id, by) => revokeKey(database, deps, accountId, id, by),
    listKeys: (accountId) => listKeys(database, accountId),
    keysChangedSince: (serial) => keysChangedSince(database, serial),
    latestKeySerial: () => latestKeySerial(database),
    rememberRequest: (request) => rememberRequest(database, deps.clock, request),
    findRequest: (accountId, idempotencyKey) => findRequest(database, accountId, idempotencyKey),
    async ping() {
      await database.query((statements) => statements.execute(sql`select 1`))
    },
    close: () => database.close(),
  }
}
