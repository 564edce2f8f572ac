import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'

export interface OpenBackend {
  readonly journal: Journal
  /** What another process would have: a journal of its own on the same data. PGlite has one owner, so there it is the same one. */
  readonly other: Journal
  close(): Promise<void>
}

/** Both databases that the journal promises to be the same on. */
export const backends: readonly { readonly name: string; open(): Promise<OpenBackend> }[] = [
  {
    name: 'PostgreSQL',
    async open() {
      const database = await freshDatabase()
      const [journal, other] = await Promise.all([
        openJournal({ url: database.url }),
        openJournal({ url: database.url }),
      ])
      return {
        journal,
        other,
        async close() {
          await Promise.all([journal.close(), other.close()])
          await database.drop()
        },
      }
    },
  },
  {
    name: 'PGlite',
    async open() {
      const journal = await openJournal({ memory: true })
      return { journal, other: journal, close: () => journal.close() }
    },
  },
]

/** An empty database of its own on the test server. */
export async function freshDatabase(): Promise<{
  readonly url: string
  run(statement: string): Promise<pg.QueryResult>
  drop(): Promise<void>
}> {
  const name = `journal_${randomBytes(6).toString('hex')}`
  await onServer(inject('databaseUrl'), `create database ${name}`)
  const url = new URL(inject('databaseUrl'))
  url.pathname = `/${name}`
  return {
    url: url.href,
    run: (statement) => onServer(url.href, statement),
    drop: async () => void (await onServer(inject('databaseUrl'), `drop database ${name} with (force)`)),
  }
}

async function onServer(url: string, statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(statement)
  } finally {
    await client.end()
  }
}

export function freshFolder(): { readonly dataDir: string; remove(): void } {
  const root = mkdtempSync(join(tmpdir(), 'journal-'))
  return { dataDir: join(root, 'journal'), remove: () => rmSync(root, { recursive: true, force: true }) }
}
