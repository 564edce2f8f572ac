import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, Connection } from '@temporalio/client'
import { Redis } from 'ioredis'
import { Agent, request } from 'undici'
import { startRedis } from '../../bin/stack/redis.ts'
import { startTemporal } from '../../bin/stack/temporal.ts'
import { accountTaskQueue } from '../../credits/account/task-queue.ts'
import { type SessionRun, sessionWorkflowId, sessionWorkflowType } from '../../credits/session/messages.ts'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { systemClock } from '../../middleware/clock.ts'
import { createSignedMessages } from '../../middleware/sessions/adapters/signed-messages.ts'
import { createTokens } from '../../middleware/user-tokens.ts'
import { startPostgres } from '../../test/stack/postgres.ts'
import { cpuOf } from '../gateway/cpu-of.ts'
import { redisCpuOf } from '../gateway/redis-cpu-of.ts'
import { undrainedIn } from '../gateway/undrained-in.ts'
import { isReady, startProgram } from '../program.ts'

/** As the API shows it, as far as it is looked at. */
export interface Shown {
  readonly id: string
  readonly startedAt: string
  readonly endedAt: string | null
  readonly endReason: string | null
  readonly credits: number
}

/** CPU that each part has used so far, µs. */
export type Cpu = Readonly<Record<(typeof measuredParts)[number], number>>
export const measuredParts = ['worker', 'gateway', 'redis', 'temporal'] as const

export interface Stand {
  readonly journal: Journal
  readonly temporal: Client
  /** An account with so many credits, at most those of its welcome. */
  openAccount(accountId: string, credits: number): Promise<void>
  begin(accountId: string): Promise<Shown>
  alive(accountId: string, sessionId: string): Promise<Shown>
  end(accountId: string, sessionId: string): Promise<Shown>
  read(accountId: string, sessionId: string): Promise<Shown>
  /** When the system that the sessions run in was told to end one; ms since epoch, by the clock that Redis has too. */
  closedAtMs(sessionId: string): number | undefined
  /** A session whose activities and runs are so short that it goes through many of them. */
  beginSliced(accountId: string, sessionId: string, sliceMs: number): Promise<void>
  cpuUs(): Promise<Cpu>
  /** The journal has every receipt. */
  drain(): Promise<void>
  close(): Promise<void>
}

export const welcomeCredits = 1_000
const adminKey = 'the-operators-key-of-a-benchmark'
const tokenSecret = 'the-signing-secret-of-a-benchmark-run'
const sharedSecret = `whsec_${Buffer.from('what a benchmark signs its events with').toString('base64')}`
const longestDrainMs = 60_000

/** The real processes, and the system of a company that the calls take place in: it hears of each begin and end by a signed event. */
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
    const temporal = await startTemporal({})
    closers.push(temporal.stop)
    const postgres = await startPostgres()
    closers.push(postgres.stop)
    const company = await startCompany()
    closers.push(company.close)
    const environment = {
      REDIS_URL: redis.url,
      TEMPORAL_ADDRESS: temporal.address,
      DATABASE_URL: postgres.url,
      ADMIN_KEY: adminKey,
      TOKEN_SECRET: tokenSecret,
      LOG_LEVEL: 'warn',
      CATALOGUE: fileURLToPath(new URL('../../catalogue.yaml', import.meta.url)),
      SESSION_WEBHOOK_URL: company.url,
      SESSION_WEBHOOK_SECRET: sharedSecret,
      // An account that was loaded a moment ago asks the journal for this long whether its ids are new.
      CLOCK_SLACK_SECONDS: '1',
    }
    const worker = await startProgram('bin/worker.ts', { ...environment, DATA_DIR: join(folder, 'worker') }, isReady)
    closers.push(worker.stop)
    const gateway = await startProgram('bin/gateway.ts', { ...environment, DATA_DIR: join(folder, 'gateway') }, isReady)
    closers.push(gateway.stop)
    const client = new Redis(redis.url)
    closers.push(() => client.disconnect())
    const journal = await openJournal({ url: postgres.url })
    closers.push(() => journal.close())
    const connection = await Connection.connect({ address: temporal.address })
    closers.push(() => connection.close())
    const workflows = new Client({ connection })
    const call = createCaller(`http://127.0.0.1:${gateway.port}`)
    closers.push(call.close)

    return {
      journal,
      temporal: workflows,
      async openAccount(accountId, credits) {
        await call.admin('', { userId: accountId, email: `${accountId}@example.com`, timeZone: 'UTC' })
        if (credits === welcomeCredits) return
        await call.admin(`/${accountId}/take-backs`, {
          credits: String(welcomeCredits - credits),
          reason: 'a benchmark',
        })
      },
      async begin(accountId) {
        const data = { account: accountId, call: randomUUID(), kind: 'voice', employee: 'ada' }
        const { session } = await call.event({ type: 'session.start', data })
        return call.user(accountId, 'GET', `/${session}`)
      },
      alive: (accountId, sessionId) => call.user(accountId, 'POST', `/${sessionId}/heartbeat`),
      end: (accountId, sessionId) => call.user(accountId, 'POST', `/${sessionId}/end`),
      read: (accountId, sessionId) => call.user(accountId, 'GET', `/${sessionId}`),
      closedAtMs: (sessionId) => company.closedAtMs.get(sessionId),
      async beginSliced(accountId, sessionId, sliceMs) {
        const run: SessionRun = {
          start: {
            accountId,
            sessionId,
            kind: 'voice',
            employee: 'ada',
            organization: '',
            message: '',
            adapter: 'webhook',
            meetingUrl: null,
          },
          sliceMs,
        }
        await workflows.workflow.start(sessionWorkflowType, {
          workflowId: sessionWorkflowId(sessionId),
          taskQueue: accountTaskQueue,
          args: [run],
        })
      },
      cpuUs: async () => ({
        worker: cpuOf(worker.pid),
        gateway: cpuOf(gateway.pid),
        redis: await redisCpuOf(client),
        temporal: cpuOf(temporal.pid),
      }),
      async drain() {
        const lastAt = performance.now() + longestDrainMs
        while ((await undrainedIn(client)) > 0) {
          if (performance.now() > lastAt) throw new Error('the worker does not empty the receipt streams')
          await systemClock.sleep(100)
        }
      },
      close,
    }
  }
}

interface Company {
  readonly url: string
  readonly closedAtMs: ReadonlyMap<string, number>
  readonly close: () => void
}

/** Hears of begins and ends. That events are signed is tested elsewhere. */
async function startCompany(): Promise<Company> {
  const closedAtMs = new Map<string, number>()
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const { type, data } = JSON.parse(text) as { readonly type: string; readonly data: { readonly session: string } }
      if (type === 'session.end' && !closedAtMs.has(data.session)) closedAtMs.set(data.session, Date.now())
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    closedAtMs,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

interface Caller {
  admin(path: string, body: object): Promise<void>
  user(accountId: string, method: 'GET' | 'POST', path: string): Promise<Shown>
  event(event: object): Promise<{ readonly session: string }>
  readonly close: () => Promise<void>
}

function createCaller(url: string): Caller {
  const dispatcher = new Agent({ connections: 64 })
  const tokens = createTokens({ secret: tokenSecret, audience: 'tollgate', issuer: 'tollgate', clock: systemClock })
  const messages = createSignedMessages(sharedSecret)
  const tokenOf = new Map<string, string>()
  let events = 0

  /** A part that is busy with a thousand others says so, and is asked again. */
  async function ask(
    method: 'GET' | 'POST',
    path: string,
    headersOf: () => Readonly<Record<string, string>>,
    body = '',
  ): Promise<unknown> {
    for (let attempt = 0; ; attempt += 1) {
      const headers = headersOf()
      const { statusCode, body: answer } = await request(url + path, {
        method,
        dispatcher,
        ...(body === '' ? { headers } : { headers: { 'content-type': 'application/json', ...headers }, body }),
      })
      const text = await answer.text()
      if (statusCode < 300) return JSON.parse(text)
      if (statusCode !== 503 || attempt === 20) throw new Error(`${method} ${path}: ${statusCode} ${text}`)
      await systemClock.sleep(500)
    }
  }

  return {
    async admin(path, body) {
      const headers = { authorization: `Bearer ${adminKey}`, 'idempotency-key': `bench${path.replaceAll('/', '-')}` }
      await ask('POST', `/admin/v1/accounts${path}`, () => headers, JSON.stringify(body))
    },
    async user(accountId, method, path) {
      let token = tokenOf.get(accountId)
      if (token === undefined) {
        token = (await tokens.mint(accountId, { lifetimeSeconds: 3_600 })).token
        tokenOf.set(accountId, token)
      }
      const headers = { authorization: `Bearer ${token}` }
      return (await ask(method, `/credits/v1/sessions${path}`, () => headers)) as Shown
    },
    async event(event) {
      const body = JSON.stringify(event)
      const id = `bench-${(events += 1)}`
      return (await ask('POST', '/webhooks/sessions', () => messages.sign({ id, at: new Date(), body }), body)) as {
        readonly session: string
      }
    },
    close: () => dispatcher.close(),
  }
}
