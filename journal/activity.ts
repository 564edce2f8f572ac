import { and, desc, eq, gte, lt, or, sql, type SQL } from 'drizzle-orm'
import type { Category } from '../credits/usage-row.ts'
import { bounded } from './bounded.ts'
import type { Database } from './database.ts'
import { toEntry, type JournalEntry } from './journal-entry.ts'
import { entries } from './schema.ts'
import { storableText } from './storable-text.ts'

export interface EntryFilter {
  readonly category?: Category | undefined
  readonly employee?: string | undefined
  readonly organization?: string | undefined
  /** The period in which it was booked, which is not quite the period's days: a call belongs to the period in which it began. */
  readonly epoch?: number | undefined
  /** From this moment on. */
  readonly fromMs?: number | undefined
  /** Up to but without this moment. */
  readonly toMs?: number | undefined
}

export interface ActivityQuery extends EntryFilter {
  /** Where the page before ended; the newest entries without one. */
  readonly cursor?: string | undefined
  /** 1 to 200. */
  readonly limit: number
}

export type ActivityAnswer =
  /** `next` is null on the last page. */
  | { readonly ok: true; readonly entries: readonly JournalEntry[]; readonly next: string | null }
  | { readonly ok: false; readonly code: 'cursor_invalid' }

/** See Journal.activity. */
export async function readActivity(
  database: Database,
  accountId: string,
  query: ActivityQuery,
): Promise<ActivityAnswer> {
  const limit = bounded(query.limit, 200)
  const after = query.cursor === undefined ? undefined : parseCursor(query.cursor)
  if (after === null) return { ok: false, code: 'cursor_invalid' }
  const page = await database.query((statements) =>
    statements
      .select()
      .from(entries)
      .where(
        and(
          matching(accountId, query),
          after &&
            or(lt(entries.atMs, after.atMs), and(eq(entries.atMs, after.atMs), lt(entries.serial, after.serial))),
          // Says the same as the line above in the form that bounds the index scan.
          after && sql`${entries.atMs} <= ${after.atMs}`,
        ),
      )
      .orderBy(desc(entries.atMs), desc(entries.serial))
      .limit(limit + 1),
  )
  const shown = page.slice(0, limit).map(toEntry)
  const last = shown.at(-1)
  return { ok: true, entries: shown, next: page.length > limit && last !== undefined ? cursorAt(last) : null }
}

export function matching(accountId: string, filter: EntryFilter): SQL | undefined {
  return and(
    eq(entries.accountId, storableText(accountId)),
    filter.category === undefined ? undefined : eq(entries.category, filter.category),
    filter.employee === undefined ? undefined : eq(entries.employee, storableText(filter.employee)),
    filter.organization === undefined ? undefined : eq(entries.organization, storableText(filter.organization)),
    filter.epoch === undefined ? undefined : eq(entries.epoch, filter.epoch),
    filter.fromMs === undefined ? undefined : gte(entries.atMs, filter.fromMs),
    filter.toMs === undefined ? undefined : lt(entries.atMs, filter.toMs),
  )
}

/** A place between two entries, not a count of rows: what is charged while someone pages shifts nothing. */
function cursorAt(entry: JournalEntry): string {
  return Buffer.from(`${entry.atMs}.${entry.serial}`).toString('base64url')
}

function parseCursor(cursor: string): { readonly atMs: number; readonly serial: number } | null {
  const [, atMs, serial] = /^(\d{1,15})\.(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? []
  return atMs === undefined || serial === undefined ? null : { atMs: Number(atMs), serial: Number(serial) }
}
