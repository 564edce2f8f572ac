import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from 'pg'
import { partPath } from '../../bin/parts.ts'
import { type Child, startChild } from '../../bin/stack/child.ts'
import { freePort } from '../../bin/stack/free-port.ts'

export interface RunningPostgres extends Child {
  readonly port: number
  readonly url: string
  /** An empty database of its own for one test file: its address. */
  createDatabase(name: string): Promise<string>
}

export interface PostgresOptions {
  /** Any free port unless given. */
  readonly port?: number
  /** Where the data is, which outlives a kill of the server; an unprivileged user must be able to reach it. Without it, a temporary folder and no durability. */
  readonly folder?: string
}

/** Starts a PostgreSQL on the loopback interface, empty unless its folder has data already, and resolves when it answers. */
export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  const server = partPath('POSTGRES')
  const user = unprivilegedUser()
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'tollgate-postgres-'))
  const data = join(folder, 'data')
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  const initdb = [
    '-D',
    data,
    '--username',
    'tollgate',
    '--auth',
    'trust',
    '--encoding',
    'UTF8',
    '--locale',
    'C',
    '--no-sync',
  ]
  const isNew = !existsSync(data)
  if (isNew) execFileSync(join(dirname(server), 'initdb'), initdb, { cwd: folder, stdio: 'pipe', ...user })
  const port = options.port ?? (await freePort())
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // What was written is safe from a kill of the server, though not of the machine.
    fsync: 'off',
    synchronous_commit: options.folder === undefined ? 'off' : 'on',
    full_page_writes: 'off',
    max_connections: '200',
  }
  const urlOf = (database: string) => `postgres://tollgate@127.0.0.1:${port}/${database}`
  const child = await startChild({
    command: server,
    args: [
      '-D',
      data,
      '-p',
      String(port),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    // SIGTERM would wait for every client to leave.
    stopSignal: 'SIGINT',
    port,
    isReady: () => query(urlOf('postgres'), 'select 1'),
    ...(user === undefined ? {} : { user }),
  })
  if (options.folder === undefined) void child.ended.then(() => rmSync(folder, { recursive: true, force: true }))
  if (isNew) await query(urlOf('postgres'), 'create database tollgate')
  return {
    ...child,
    port,
    url: urlOf('tollgate'),
    async createDatabase(name) {
      await query(urlOf('postgres'), `create database "${name}"`)
      return urlOf(name)
    },
  }
}

/** Whom to run PostgreSQL as, since it refuses to run as root; undefined for a user who is not. */
export function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const name = ['postgres', 'nobody'].find((user) => spawnSync('id', [user]).status === 0)
  if (name === undefined)
    throw new Error('PostgreSQL needs a user that is not root, and there is neither postgres nor nobody')
  const idOf = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }))
  return { uid: idOf('-u'), gid: idOf('-g') }
}

async function query(connectionString: string, statement: string): Promise<boolean> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 1_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(statement)
    return true
  } finally {
    await client.end().catch(() => {})
  }
}
