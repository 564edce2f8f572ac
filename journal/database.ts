import { PGlite } from '@electric-sql/pglite'
import { drizzle as drizzleNode } from 'drizzle-orm/node-postgres'
import type { PgTransactionConfig } from 'drizzle-orm/pg-core'
import { drizzle as drizzleEmbedded } from 'drizzle-orm/pglite'
import pg from 'pg'
import { claimFolder } from './folder-owner.ts'
import { JournalUnavailable, unlessUnavailable } from './journal-unavailable.ts'
import { migrateEmbedded, migrateServer } from './migrate.ts'
import type { Statements } from './statements.ts'

/** A PostgreSQL by its URL; an embedded one in a folder, which has one owner at a time; or an embedded one that is forgotten at close. */
export type JournalLocation = { readonly url: string } | { readonly dataDir: string } | { readonly memory: true }

/** The same for PostgreSQL and PGlite. Both reject with JournalUnavailable when the database does not answer. */
export interface Database {
  /** A single statement, for callers who wait: 2 s at most. */
  query<T>(work: (statements: Statements) => Promise<T>): Promise<T>
  /** Several statements or a long one, on connections of their own: 10 s a statement at most. */
  transaction<T>(work: (statements: Statements) => Promise<T>, config?: PgTransactionConfig): Promise<T>
  close(): Promise<void>
}

/** Connects and applies the migrations. Rejects with JournalUnavailable, or JournalNotOpened when the program must not use it. */
export function openDatabase(location: JournalLocation): Promise<Database> {
  return 'url' in location ? openServer(location.url) : openEmbedded('dataDir' in location ? location.dataDir : null)
}

const connectTimeoutMs = 2_000
const quickMs = 2_000
const patientMs = 10_000

async function openServer(url: string): Promise<Database> {
  await unlessUnavailable(() => migrateServer(url, connectTimeoutMs))
  const quick = createPool(url, quickMs)
  const patient = createPool(url, patientMs)
  const statements = drizzleNode({ client: quick })
  return {
    query: (work) => unlessUnavailable(() => work(statements)),
    async transaction(work, config) {
      const client = await unlessUnavailable(() => patient.connect())
      try {
        const answer = await unlessUnavailable(() => drizzleNode({ client }).transaction(work, config))
        client.release()
        return answer
      } catch (error) {
        // A connection that timed out still has the old answer coming: never give it to the next caller.
        client.release(error instanceof JournalUnavailable)
        throw error
      }
    },
    async close() {
      await Promise.all([quick.end(), patient.end()])
    },
  }
}

function createPool(url: string, statementMs: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementMs,
    // For a server that has gone silent, where its own timeout cannot reach us.
    query_timeout: statementMs + 500,
    keepAlive: true,
    application_name: 'tollgate',
  })
  // A connection that breaks is replaced, and whoever was using it hears of it by the statement that failed. Without a listener on the pool
  // (for idle ones) and on each connection (between two statements of a transaction) it would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

async function openEmbedded(dataDir: string | null): Promise<Database> {
  const release = dataDir === null ? () => {} : claimFolder(dataDir)
  try {
    const client = dataDir === null ? await PGlite.create() : await PGlite.create(dataDir)
    const statements = drizzleEmbedded({ client })
    await migrateEmbedded(client)
    return {
      query: (work) => unlessUnavailable(() => work(statements)),
      transaction: (work, config) => unlessUnavailable(() => statements.transaction(work, config)),
      async close() {
        if (!client.closed) await client.close()
        release()
      },
    }
  } catch (error) {
    release()
    throw error
  }
}
