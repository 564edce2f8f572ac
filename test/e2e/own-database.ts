import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

/** An empty database on the run's PostgreSQL: its address. */
export async function ownDatabase(): Promise<string> {
  const name = `e2e-${randomUUID()}`
  const client = new pg.Client({ connectionString: inject('databaseUrl') })
  await client.connect()
  await client.query(`create database "${name}"`)
  await client.end()
  return Object.assign(new URL(inject('databaseUrl')), { pathname: `/${name}` }).href
}
