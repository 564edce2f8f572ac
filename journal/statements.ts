import type { SQL } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'

/** What PostgreSQL and PGlite have in common: a connection or a transaction of either. */
export type Statements = PgDatabase<PgQueryResultHKT>

/** Rows of a raw statement, to be parsed by the caller: the two drivers agree on nothing but the name. */
export async function rowsOf(statements: Statements, statement: SQL): Promise<readonly Record<string, unknown>[]> {
  return ((await statements.execute(statement)) as { readonly rows: readonly Record<string, unknown>[] }).rows
}
