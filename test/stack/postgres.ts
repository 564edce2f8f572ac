import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
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

/** Starts an empty PostgreSQL on the loopback interface, without durability, and resolves when it answers. */
export async function startPostgres(): Promise<RunningPostgres> {
  const server = partPath('POSTGRES')
  const user = unprivilegedUser()
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-postgres-'))
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
  execFileSync(join(dirname(server), 'initdb'), initdb, { cwd: folder, stdio: 'pipe', ...user })
  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    synchronous_commit: 'off',
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
  void child.ended.then(() => rmSync(folder, { recursive: true, force: true }))
  await query(urlOf('postgres'), 'create database tollgate')
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

// PostgreSQL refuses to run as root.
function unprivilegedUser(): { uid: number; gid: number } | undefined {
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
