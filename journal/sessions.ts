import { and, desc, eq, isNull, lt, or, sql } from 'drizzle-orm'
import type { Micro } from '../credits/money.ts'
import type { SessionRate } from '../credits/session/price.ts'
import type { AdapterName, EndReason, Platform, SessionKind } from '../credits/session/session.ts'
import { bounded } from './bounded.ts'
import type { Database } from './database.ts'
import { sessions } from './schema.ts'
import { storableText } from './storable-text.ts'

/** A call or a meeting as it is kept for ever. */
export interface SessionEntry extends SessionRate {
  readonly accountId: string
  readonly id: string
  readonly kind: SessionKind
  readonly employee: string
  readonly organization: string
  readonly messageId: string
  readonly adapter: AdapterName
  readonly ref: string
  readonly platform: Platform | null
  readonly startedAtMs: number
  /** When it was asked to end, Redis time, and since then `endReason` says why; null where that is not noted. */
  readonly endAskedAtMs: number | null
  /** null, as what follows, until it has ended. */
  readonly endedAtMs: number | null
  readonly endReason: EndReason | null
  readonly charged: Micro | null
}

export interface SessionPage {
  /** Those before this one, as the last page ended with it. */
  readonly before?: Pick<SessionEntry, 'id' | 'startedAtMs'> | undefined
  /** Only those of which no end is noted. */
  readonly open: boolean
  readonly limit: number
}

/** Notes a session. Repeated, or in another order, it changes nothing but an end that was not noted yet. */
export async function saveSession(database: Database, entry: SessionEntry): Promise<void> {
  const { accountId, id, employee, organization, messageId, ref } = entry
  const texts = { accountId, id, employee, organization, messageId, ref }
  const kept = (column: string) => sql.raw(`coalesce("sessions"."${column}", excluded."${column}")`)
  // An end that was asked for is one that came to pass only once that is noted
  const endReason = sql`case when ${sessions.endedAtMs} is null then coalesce(excluded.end_reason, ${sessions.endReason}) else ${sessions.endReason} end`
  // One that waited to be let in began later than was noted at first
  const startedAtMs = sql`case when ${sessions.endedAtMs} is null and excluded.ended_at_ms is not null then excluded.started_at_ms else ${sessions.startedAtMs} end`
  await database.query((statements) =>
    statements
      .insert(sessions)
      .values({ ...entry, ...eachStorable(texts) })
      .onConflictDoUpdate({
        target: [sessions.accountId, sessions.id],
        set: { startedAtMs, endedAtMs: kept('ended_at_ms'), endReason, charged: kept('charged') },
      }),
  )
}

/** The end that is asked of a session, at a moment of Redis' time. */
export interface EndAsked {
  readonly reason: EndReason
  readonly atMs: number
}

/** Its end was asked for: the first time is kept. Of a session that is not noted nothing is. */
export async function noteEndAsked(
  database: Database,
  accountId: string,
  id: string,
  { reason, atMs }: EndAsked,
): Promise<void> {
  await database.query((statements) =>
    statements
      .update(sessions)
      .set({ endReason: reason, endAskedAtMs: atMs })
      .where(
        and(
          eq(sessions.accountId, storableText(accountId)),
          eq(sessions.id, storableText(id)),
          isNull(sessions.endedAtMs),
          isNull(sessions.endAskedAtMs),
        ),
      ),
  )
}

export async function findSession(database: Database, accountId: string, id: string): Promise<SessionEntry | null> {
  const [found] = await database.query((statements) =>
    statements
      .select()
      .from(sessions)
      .where(and(eq(sessions.accountId, storableText(accountId)), eq(sessions.id, storableText(id)))),
  )
  return found === undefined ? null : entryOf(found)
}

/** The newest one: names of rooms may come again. */
export async function findSessionByRef(
  database: Database,
  adapter: AdapterName,
  ref: string,
): Promise<SessionEntry | null> {
  const [found] = await database.query((statements) =>
    statements
      .select()
      .from(sessions)
      .where(and(eq(sessions.adapter, adapter), eq(sessions.ref, storableText(ref))))
      .orderBy(desc(sessions.startedAtMs))
      .limit(1),
  )
  return found === undefined ? null : entryOf(found)
}

export async function listSessions(
  database: Database,
  accountId: string,
  { before, open, limit }: SessionPage,
): Promise<readonly SessionEntry[]> {
  const found = await database.query((statements) =>
    statements
      .select()
      .from(sessions)
      .where(
        and(
          eq(sessions.accountId, storableText(accountId)),
          open ? isNull(sessions.endedAtMs) : undefined,
          before === undefined
            ? undefined
            : or(
                lt(sessions.startedAtMs, before.startedAtMs),
                and(eq(sessions.startedAtMs, before.startedAtMs), lt(sessions.id, before.id)),
              ),
        ),
      )
      .orderBy(desc(sessions.startedAtMs), desc(sessions.id))
      .limit(bounded(limit, 200)),
  )
  return found.map(entryOf)
}

function entryOf(row: typeof sessions.$inferSelect): SessionEntry {
  return { ...row, perMinute: row.perMinute as Micro, charged: row.charged as Micro | null }
}

function eachStorable<Texts extends Readonly<Record<string, string>>>(texts: Texts): Texts {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, storableText(text)])) as Texts
}
