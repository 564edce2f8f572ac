import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { partPath } from '../parts.ts'
import { type Child, startChild } from './child.ts'
import { freePort } from './free-port.ts'

export interface RedisOptions {
  /** Any free port unless given. */
  readonly port?: number
  /** Where the append-only file is kept; without it, a temporary folder that is removed at the end. */
  readonly dir?: string
  /** `no` loses everything with the process; `everysec` at most the last second; `always` nothing. */
  readonly appendonly?: 'no' | 'everysec' | 'always'
  /** Further lines of the configuration, by name: a node of a Cluster, a replica. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface RunningRedis extends Child {
  readonly port: number
  readonly url: string
}

/** Starts a Redis on the loopback interface that never evicts, and resolves when it answers. */
export async function startRedis({
  port,
  dir,
  appendonly = 'no',
  settings: further = {},
}: RedisOptions = {}): Promise<RunningRedis> {
  const chosen = port ?? (await freePort())
  const folder = dir ?? mkdtempSync(join(tmpdir(), 'tollgate-redis-'))
  mkdirSync(folder, { recursive: true })
  const settings = {
    port: String(chosen),
    bind: '127.0.0.1',
    dir: folder,
    // Evicting a hold would lose its credits; a full Redis has to refuse instead.
    'maxmemory-policy': 'noeviction',
    save: '',
    ...(appendonly === 'no' ? { appendonly } : { appendonly: 'yes', appendfsync: appendonly }),
    ...further,
  }
  const child = await startChild({
    command: partPath('REDIS_SERVER'),
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    port: chosen,
    isReady: () => answers(chosen),
  })
  if (dir === undefined) void child.ended.then(() => rmSync(folder, { recursive: true, force: true }))
  return { ...child, port: chosen, url: `redis://127.0.0.1:${chosen}` }
}

async function answers(port: number): Promise<boolean> {
  const redis = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null })
  // Refused connections are expected here, and `connect` rejects with them.
  redis.on('error', () => {})
  try {
    await redis.connect()
    return (await redis.ping()) === 'PONG'
  } finally {
    redis.disconnect()
  }
}
