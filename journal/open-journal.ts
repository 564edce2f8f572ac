import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { readActivity } from './activity.ts'
import { createKey, findKey, keysChangedSince, latestKeySerial, listKeys, revokeKey, type KeyDeps } from './api-key.ts'
import { beginAudit, endAudit, listAudit } from './audit.ts'
import { openDatabase, type JournalLocation } from './database.ts'
import { findCharge, settledAmong } from './find-charge.ts'
import type { Journal } from './journal.ts'
import { findReceipt, newestSerial, receiptsAfter, receiptsById, receiptsOfMessage } from './receipts.ts'
import { findRequest, rememberRequest } from './requests.ts'
import { notePerson, findPerson } from './people.ts'
import { claimInvite, countInvites, findInvite, listInvites, unclaimInvite } from './invites.ts'
import {
  checkPromoCode,
  claimPromoCode,
  createPromoCode,
  endPromoCode,
  findPromoCode,
  listPromoCodes,
  releasePromoCode,
} from './promo-codes.ts'
import {
  cancelOrder,
  createOrder,
  findOrder,
  listOrders,
  noteOrderGranted,
  payOrder,
  ungrantedOrders,
} from './orders.ts'
import { acceptedReferrals, findReferrer, forgetReferred, noteReferred, referralCodeOf } from './referrals.ts'
import { findSession, findSessionByRef, listSessions, noteEndAsked, saveSession } from './sessions.ts'
import { beginSignIn, createLink, endSignIn, findSignIn, useLink } from './sign-ins.ts'
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
    receiptsById: (accountId, ids) => receiptsById(database, accountId, ids),
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
    people: {
      note: (person) => notePerson(database, deps.clock, person),
      find: (email) => findPerson(database, email),
    },
    signIns: {
      createLink: (request) => createLink(database, deps, request),
      useLink: (request) => useLink(database, deps, request),
      begin: (request) => beginSignIn(database, deps, request),
      find: (secret) => findSignIn(database, secret),
      end: (secret) => endSignIn(database, deps, secret),
    },
    promoCodes: {
      create: (promo) => createPromoCode(database, deps.clock, promo),
      find: (code) => findPromoCode(database, code),
      list: (page) => listPromoCodes(database, page),
      end: (promo) => endPromoCode(database, deps.clock, promo),
      check: (promo) => checkPromoCode(database, deps.clock, promo),
      claim: (taker) => claimPromoCode(database, deps.clock, taker),
      release: (taker) => releasePromoCode(database, taker),
    },
    referrals: {
      codeOf: (accountId) => referralCodeOf(database, deps.randomBytes, accountId),
      find: (code) => findReferrer(database, code),
      note: (signUp) => noteReferred(database, deps.clock, signUp),
      forget: (signUp) => forgetReferred(database, signUp),
      accepted: (referrer) => acceptedReferrals(database, referrer),
    },
    invites: {
      claim: (invite) => claimInvite(database, invite),
      unclaim: (invite) => unclaimInvite(database, invite),
      find: (accountId, by) => findInvite(database, accountId, by),
      list: (accountId, page) => listInvites(database, accountId, page),
      count: (accountId, sentAfterMs) => countInvites(database, accountId, sentAfterMs),
    },
    orders: {
      create: (order) => createOrder(database, deps.clock, order),
      find: (id) => findOrder(database, id),
      list: (accountId, limit) => listOrders(database, accountId, limit),
      pay: (id, payment) => payOrder(database, deps.clock, { id, payment }),
      cancel: (id) => cancelOrder(database, id),
      noteGranted: (id) => noteOrderGranted(database, deps.clock, id),
      ungranted: () => ungrantedOrders(database),
    },
    sessions: {
      save: (entry) => saveSession(database, entry),
      noteEndAsked: (accountId, id, asked) => noteEndAsked(database, accountId, id, asked),
      find: (accountId, id) => findSession(database, accountId, id),
      findByRef: (adapter, ref) => findSessionByRef(database, adapter, ref),
      list: (accountId, page) => listSessions(database, accountId, page),
    },
    audit: {
      begin: (intent) => beginAudit(database, deps.clock, intent),
      end: (id, ended) => endAudit(database, id, ended),
      list: (query) => listAudit(database, query),
    },
    async ping() {
      await database.query((statements) => statements.execute(sql`select 1`))
    },
    close: () => database.close(),
  }
}
