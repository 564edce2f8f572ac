import { PGlite } from '@electric-sql/pglite'
import { drizzle as drizzleNode } from 'drizzle-orm/node-postgres'
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
  /** A single statement: 2 s at most. */
  query<T>(work: (statements: Statements) => Promise<T>): Promise<T>
  /** All of its statements or none. */
  transaction<T>(kind: TransactionKind, work: (statements: Statements) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/**
 * `change` writes, `snapshot` reads all at one moment: 2 s a statement at most, for callers who wait. `store` and `report` are the same with
 * 10 s, on connections of their own, so that bulk work never stands before a call.
 */
export type TransactionKind = 'change' | 'snapshot' | 'store' | 'report'

const readsOnly: Record<TransactionKind, boolean> = { change: false, snapshot: true, store: false, report: true }
const isPatient: Record<TransactionKind, boolean> = { change: false, snapshot: false, store: true, report: true }

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
    async transaction(kind, work) {
      const client = await unlessUnavailable(() => (isPatient[kind] ? patient : quick).connect())
      const within = drizzleNode({ client })
      try {
        const answer = await unlessUnavailable(async () => {
          await client.query(readsOnly[kind] ? 'begin isolation level repeatable read read only' : 'begin')
          const done = await work(within)
          await client.query('commit')
          return done
        })
        client.release()
        return answer
      } catch (error) {
        // A connection that timed out still has the old answer coming, and would not hear a rollback either: the server undoes what it drops.
        if (error instanceof JournalUnavailable) client.release(true)
        else
          await client.query('rollback').then(
            () => client.release(),
            () => client.release(true),
          )
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
  const claim = dataDir === null ? null : await claimFolder(dataDir)
  let isLost = false
  void claim?.lost.then(() => (isLost = true))
  const own = async <T>(work: () => Promise<T>): Promise<T> => {
    // Two owners would destroy it.
    if (isLost) throw new JournalUnavailable('the journal was taken over by another process while this one slept')
    return unlessUnavailable(work)
  }
  try {
    const client = dataDir === null ? await PGlite.create() : await PGlite.create(dataDir)
    const statements = drizzleEmbedded({ client })
    await migrateEmbedded(client)
    return {
      query: (work) => own(() => work(statements)),
      transaction: (kind, work) =>
        own(() =>
          readsOnly[kind]
            ? statements.transaction(work, { isolationLevel: 'repeatable read', accessMode: 'read only' })
            : statements.transaction(work),
        ),
      async close() {
        if (!client.closed) await client.close()
        await claim?.release()
      },
    }
  } catch (error) {
    await claim?.release()
    throw error
  }
}
