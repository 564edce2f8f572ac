import { fileURLToPath } from 'node:url'
import type { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { drizzle as drizzleNode } from 'drizzle-orm/node-postgres'
import { migrate as migrateNode } from 'drizzle-orm/node-postgres/migrator'
import { drizzle as drizzleEmbedded } from 'drizzle-orm/pglite'
import { migrate as migratePglite } from 'drizzle-orm/pglite/migrator'
import pg from 'pg'
import { JournalNotOpened } from './journal-unavailable.ts'
import { rowsOf, type Statements } from './statements.ts'
import { wholeNumber } from './whole-number.ts'

const migrations = {
  migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)),
  migrationsSchema: 'tollgate',
  migrationsTable: 'migrations',
}

/** Any number that nothing else in the database uses: 'toll' in ASCII. */
const lockKey = 0x746f6c6c

/** Brings a server's schema up to date. Several processes may start at once: they take turns. Throws JournalNotOpened `journal_newer`. */
export async function migrateServer(url: string, connectTimeoutMs: number): Promise<void> {
  // A connection of its own: no statement timeout, since building an index may take its time, and the lock goes when it ends.
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: 'tollgate migrations',
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const statements = drizzleNode({ client })
    await statements.execute(sql`select pg_advisory_lock(${lockKey})`)
    await refuseNewer(statements)
    await migrateNode(statements, migrations)
  } finally {
    await client.end()
  }
}

/** The same for an embedded database, whose owner is alone with it. */
export async function migrateEmbedded(client: PGlite): Promise<void> {
  const statements = drizzleEmbedded({ client })
  await refuseNewer(statements)
  await migratePglite(statements, migrations)
}

/** An older program would write entries without what the newer schema relies on. */
async function refuseNewer(statements: Statements): Promise<void> {
  const [first] = await rowsOf(statements, sql`select to_regclass('tollgate.migrations') is not null as migrated`)
  if (first?.['migrated'] !== true) return
  const [newest] = await rowsOf(
    statements,
    sql`select coalesce(max(created_at), 0) as applied from tollgate.migrations`,
  )
  const known = readMigrationFiles(migrations).at(-1)?.folderMillis ?? 0
  if (wholeNumber(newest?.['applied']) > known) {
    throw new JournalNotOpened(
      'journal_newer',
      'the journal was written by a newer Tollgate than this one: start that version, or restore a backup from before the upgrade',
    )
  }
}
