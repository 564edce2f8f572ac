import { randomUUID } from 'node:crypto'
import { and, desc, eq, lt, or } from 'drizzle-orm'
import { bounded } from './bounded.ts'
import type { Database } from './database.ts'
import { audit } from './schema.ts'
import { storable, storableText } from './storable-text.ts'

type Facts = Readonly<Record<string, unknown>>

/** What an operator sets out to change. */
export interface AuditIntent {
  /** '' for what concerns no single account. */
  readonly accountId: string
  readonly who: string
  /** Method and path of the route, such as `POST /admin/v1/accounts/{id}/grants`. */
  readonly action: string
  readonly why: string
  readonly request: Facts
  /** The account as it was; null when that is not known, or none is concerned. */
  readonly before: Facts | null
}

export interface AuditEntry extends AuditIntent {
  readonly id: string
  readonly atMs: number
  readonly after: Facts | null
  /** `done`, or the code of the refusal; null: it was begun, and whether it happened is not known (the gateway died, most likely). */
  readonly outcome: string | null
}

export interface AuditQuery {
  /** undefined: of all accounts. */
  readonly accountId?: string | undefined
  /** Entries before this one, as the last page ended with it. */
  readonly before?: { readonly atMs: number; readonly id: string } | undefined
  readonly limit: number
}

/** Notes a change before it is tried, so that none is ever made unnoted. Answers with the entry's id. */
export async function beginAudit(database: Database, clock: () => number, intent: AuditIntent): Promise<string> {
  const id = `aud_${randomUUID()}`
  await database.query((statements) =>
    statements.insert(audit).values({
      id,
      atMs: clock(),
      accountId: storableText(intent.accountId),
      who: storableText(intent.who),
      action: storableText(intent.action),
      why: storableText(intent.why),
      request: storable(intent.request),
      before: storable(intent.before),
    }),
  )
  return id
}

/** Notes how it ended. */
export async function endAudit(
  database: Database,
  id: string,
  { outcome, after }: { readonly outcome: string; readonly after: Facts | null },
): Promise<void> {
  await database.query((statements) =>
    statements
      .update(audit)
      .set({ outcome: storableText(outcome), after: storable(after) })
      .where(eq(audit.id, id)),
  )
}

/** Newest first, 500 at most. */
export async function listAudit(
  database: Database,
  { accountId, before, limit }: AuditQuery,
): Promise<readonly AuditEntry[]> {
  return database.query((statements) =>
    statements
      .select()
      .from(audit)
      .where(
        and(
          accountId === undefined ? undefined : eq(audit.accountId, storableText(accountId)),
          before === undefined
            ? undefined
            : or(lt(audit.atMs, before.atMs), and(eq(audit.atMs, before.atMs), lt(audit.id, before.id))),
        ),
      )
      .orderBy(desc(audit.atMs), desc(audit.id))
      .limit(bounded(limit, 500)),
  )
}
