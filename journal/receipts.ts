import { and, asc, desc, eq, gt, inArray, sql } from 'drizzle-orm'
import type { ChargeId } from '../credits/charge-id.ts'
import { bounded } from './bounded.ts'
import type { Database } from './database.ts'
import { toEntry, type JournalEntry } from './journal-entry.ts'
import { entries } from './schema.ts'
import { storableText } from './storable-text.ts'

/** See Journal.receipt. */
export async function findReceipt(database: Database, accountId: string, id: ChargeId): Promise<JournalEntry | null> {
  const [stored] = await database.query((statements) =>
    statements
      .select()
      .from(entries)
      .where(and(eq(entries.accountId, storableText(accountId)), eq(entries.id, storableText(id))))
      // 'settled' comes after 'expired' in the alphabet.
      .orderBy(desc(entries.kind))
      .limit(1),
  )
  return stored === undefined ? null : toEntry(stored)
}

/** See Journal.receiptsOfMessage. */
export async function receiptsOfMessage(
  database: Database,
  accountId: string,
  messageId: string,
): Promise<readonly JournalEntry[]> {
  if (messageId === '') return []
  const message = storableText(messageId)
  const stored = await database.query((statements) =>
    statements
      .select()
      .from(entries)
      .where(
        and(
          eq(entries.accountId, storableText(accountId)),
          eq(entries.messageId, message),
          // What the index holds; the planner cannot see that the line above implies it.
          sql`${entries.messageId} <> '' and left(${entries.messageId}, 100) = left(${message}, 100)`,
        ),
      )
      .orderBy(asc(entries.serial))
      .limit(500),
  )
  return stored.map(toEntry)
}

/** See Journal.receiptsById. */
export async function receiptsById(
  database: Database,
  accountId: string,
  ids: readonly ChargeId[],
): Promise<readonly JournalEntry[]> {
  if (ids.length === 0) return []
  bounded(ids.length, 1_000)
  const stored = await database.query((statements) =>
    statements
      .select()
      .from(entries)
      .where(and(eq(entries.accountId, storableText(accountId)), inArray(entries.id, ids.map(storableText))))
      .orderBy(asc(entries.serial)),
  )
  return stored.map(toEntry)
}

/** See Journal.receiptsAfter. */
export async function receiptsAfter(
  database: Database,
  accountId: string,
  serial: number,
  limit: number,
): Promise<readonly JournalEntry[]> {
  const stored = await database.query((statements) =>
    statements
      .select()
      .from(entries)
      .where(and(eq(entries.accountId, storableText(accountId)), gt(entries.serial, serial)))
      .orderBy(asc(entries.serial))
      .limit(bounded(limit, 1_000)),
  )
  return stored.map(toEntry)
}

/** See Journal.newestSerial. */
export async function newestSerial(database: Database, accountId: string): Promise<number> {
  const [newest] = await database.query((statements) =>
    statements
      .select({ serial: entries.serial })
      .from(entries)
      .where(eq(entries.accountId, storableText(accountId)))
      .orderBy(desc(entries.serial))
      .limit(1),
  )
  return newest?.serial ?? 0
}
