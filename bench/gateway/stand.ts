import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { startRedis } from '../../bin/stack/redis.ts'
import { startTemporal } from '../../bin/stack/temporal.ts'
import { startPostgres } from '../../test/stack/postgres.ts'
import { isReady, type Program, startProgram } from '../program.ts'
import { cpuOf } from './cpu-of.ts'
import { redisCpuOf } from './redis-cpu-of.ts'
import { undrainedIn } from './undrained-in.ts'

/** A way to the same upstream. */
export interface Target {
  readonly name: 'direct' | 'bare' | 'tollgate'
  readonly port: number
  /** CPU that it has used so far, µs: of the gateway, Redis included. */
  readonly cpuUs: () => Promise<{ readonly process: number; readonly redis: number }>
}

export interface Stand {
  readonly targets: Readonly<Record<Target['name'], Target>>
  readonly redis: Redis
  readonly accountIds: readonly string[]
  readonly secrets: readonly string[]
  /**
   * What was charged travels on to the journal and the accounts, and the gateway's outbox empties: with the worker paused it would keep everything, and
   * send it again. Resolves when the journal has it all; the worker stands still then, as one on another machine would for these cores.
   */
  drain(): Promise<void>
  /** The worker runs beside the calls, until the next `drain`. */
  resumeWorker(): void
  close(): Promise<void>
}

const adminKey = 'the-operators-key-of-a-benchmark'
const accounts = 8
const longestDrainMs = 120_000

/** The real processes, on a Redis that syncs every second, a PostgreSQL and a Temporal; accounts and keys as the API makes them. */
export async function openStand(): Promise<Stand> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'))
  const closers: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer()
  }
  try {
    return await open()
  } catch (error) {
    await close()
    throw error
  }

  async function open(): Promise<Stand> {
    const redis = await startRedis({ dir: join(folder, 'redis'), appendonly: 'everysec' })
    closers.push(redis.stop)
    const temporal = await startTemporal({ dbFilename: join(folder, 'temporal.sqlite') })
    closers.push(temporal.stop)
    const postgres = await startPostgres()
    closers.push(postgres.stop)
    const upstream = await program('bench/gateway/upstream.ts', {}, listens)
    const upstreamUrl = `http://127.0.0.1:${upstream.port}/v1`
    const bare = await program('bench/gateway/bare-proxy.ts', { UPSTREAM_URL: upstreamUrl }, listens)
    const environment = {
      REDIS_URL: redis.url,
      TEMPORAL_ADDRESS: temporal.address,
      DATABASE_URL: postgres.url,
      ADMIN_KEY: adminKey,
      TOKEN_SECRET: 'the-signing-secret-of-a-benchmark-run',
      OPENAI_BASE_URL: upstreamUrl,
      OPENAI_API_KEY: 'bench',
      LOG_LEVEL: 'warn',
      DATA_DIR: join(folder, 'data'),
      OUTBOX_DIR: join(folder, 'outbox'),
      CATALOGUE: fileURLToPath(new URL('../../catalogue.yaml', import.meta.url)),
      // An account that was loaded a moment ago asks the journal for this long whether its ids are new.
      CLOCK_SLACK_SECONDS: '1',
    }
    const worker = await program('bin/worker.ts', environment, isReady)
    let workerRuns = true
    void worker.ended.then(() => (workerRuns = false))
    const resumeWorker = (): void => void (workerRuns && process.kill(worker.pid, 'SIGCONT'))
    closers.push(resumeWorker)
    const gateway = await program('bin/gateway.ts', environment, isReady)
    const client = new Redis(redis.url)
    closers.push(() => client.disconnect())
    const url = `http://127.0.0.1:${gateway.port}`
    const accountIds = Array.from({ length: accounts }, (_, index) => `bench-${index}`)
    const secrets = await Promise.all(accountIds.map((id) => openAccount(url, id)))
    const target = (name: Target['name'], { pid, port }: Program): Target => ({
      name,
      port,
      cpuUs: async () => ({ process: cpuOf(pid), redis: name === 'tollgate' ? await redisCpuOf(client) : 0 }),
    })
    return {
      targets: {
        direct: target('direct', upstream),
        bare: target('bare', bare),
        tollgate: target('tollgate', gateway),
      },
      redis: client,
      accountIds,
      secrets,
      resumeWorker,
      async drain() {
        resumeWorker()
        const lastAt = performance.now() + longestDrainMs
        while ((await undrainedIn(client)) > 0) {
          if (performance.now() > lastAt) throw new Error('the worker does not empty the receipt streams')
          await pause(50)
        }
        process.kill(worker.pid, 'SIGSTOP')
      },
      close,
    }
  }

  async function program(
    file: string,
    environment: Readonly<Record<string, string>>,
    ready: (port: number) => Promise<boolean>,
  ): Promise<Program> {
    const child = await startProgram(file, environment, ready)
    closers.push(child.stop)
    return child
  }
}

async function listens(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, { method: 'POST', body: '{}' })
  await answer.arrayBuffer()
  return answer.ok
}

/** The secret of a key of a new account that nothing here can deplete. */
async function openAccount(url: string, accountId: string): Promise<string> {
  const lastAt = performance.now() + 60_000
  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${url}/admin/v1/accounts${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${adminKey}`,
        'content-type': 'application/json',
        'idempotency-key': `bench-${path.replaceAll('/', '-')}`,
      },
      body: JSON.stringify(body),
    })
    if (answer.ok) return (await answer.json()) as Record<string, unknown>
    const reason = `POST ${path}: ${answer.status} ${await answer.text()}`
    // The worker may not be ready yet.
    if (answer.status !== 503 || performance.now() > lastAt) throw new Error(reason)
    await pause(500)
    return post(path, body)
  }
  await post('', { userId: accountId, email: `${accountId}@example.com`, timeZone: 'UTC' })
  await post(`/${accountId}/grants`, { credits: '900000', reason: 'a benchmark' })
  return (await post(`/${accountId}/keys`, { name: 'bench' }))['secret'] as string
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
