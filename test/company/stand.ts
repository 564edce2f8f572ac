import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { Redis } from 'ioredis'
import OpenAI from 'openai'
import { freePort } from '../../bin/stack/free-port.ts'
import { startRedis } from '../../bin/stack/redis.ts'
import { startTemporal } from '../../bin/stack/temporal.ts'
import type { CompanyEvent } from '../../examples/company/company-event.ts'
import type { Charge } from '../../examples/company/statement.ts'
import type { Message } from '../../examples/company/workflows/messages.ts'
import type { ParkedStep } from '../../package/temporal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { ownDatabase } from '../e2e/own-database.ts'
import { type Program, runProgram } from '../e2e/processes.ts'
import { until } from '../stack/until.ts'

export interface CompanyEventAt {
  readonly id: string
  readonly event: CompanyEvent
}

/** With what it waits for, where it is parked. */
type SeenMessage = Message & Partial<ParkedStep>

/** One user of the company. */
export interface Customer {
  readonly account: string
  readonly apiKey: string
  /** The door, in this user's name. */
  company<Answer = Record<string, unknown>>(method: string, path: string, body?: object): Promise<Answer>
  say(conversation: string, employee: string, text: string, id?: string): Promise<Message>
  message(conversation: string, answer: string): Promise<SeenMessage | undefined>
  /** Resolves with the answer once it has ended. */
  ended(conversation: string, answer: string): Promise<Message>
  /** Follows a conversation for as long as the loop goes on. */
  events(conversation: string, after?: string): AsyncGenerator<CompanyEventAt>
  /** Everything that was charged so far, free work included. */
  charges(): Promise<readonly Charge[]>
  balance(): Promise<{ readonly used: number; readonly held: number; readonly remaining: number }>
  /** Spends all that there is. */
  spendAll(): Promise<void>
  grant(credits: string): Promise<void>
}

export interface Stand {
  readonly companyUrl: string
  readonly gatewayUrl: string
  readonly redis: Redis
  /** Signs somebody up, who has so many credits beside the welcome bonus of one. */
  customer(credits: string): Promise<Customer>
  /** Ends the company's process in good order, whatever it is doing, and starts it again. */
  restartCompany(): Promise<void>
  /** The secret of a browser in which the account is signed in. */
  signIn(account: string): Promise<string>
  close(): Promise<void>
}

const adminKey = 'an-operators-key-for-company-tests'
const serviceKey = 'a-service-key-that-is-long-enough-to-be-one'

/** Gateway, worker and company, each a process of its own. */
export async function openStand(): Promise<Stand> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-company-'))
  const closers: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer()
  }
  try {
    const text = readFileSync(new URL('../../catalogue.yaml', import.meta.url), 'utf8').replace(
      'amount: 1000, keeps: true',
      'amount: 1, keeps: true',
    )
    const catalogueFile = join(folder, 'catalogue.yaml')
    writeFileSync(catalogueFile, text)
    const databaseUrl = await ownDatabase()
    const [redisServer, temporal] = await Promise.all([startRedis({ appendonly: 'everysec' }), startTemporal()])
    closers.push(() => Promise.all([redisServer.stop(), temporal.stop()]))
    const companyPort = await freePort()
    const environment = {
      REDIS_URL: redisServer.url,
      TEMPORAL_ADDRESS: temporal.address,
      DATABASE_URL: databaseUrl,
      ADMIN_KEY: adminKey,
      SERVICE_KEY: serviceKey,
      TOKEN_SECRET: 'a-secret-that-is-long-enough-to-be-one',
      CATALOGUE: catalogueFile,
      PRACTICE_TOKENS_PER_SECOND: '200',
      PORT: '0',
      WORKER_PORT: '0',
      CLOCK_SLACK_SECONDS: '1',
      OUTBOX_DIR: join(folder, 'outbox'),
    }
    const worker = runProgram('bin/worker.ts', environment)
    closers.push(() => stop(worker))
    const gateway = runProgram('bin/gateway.ts', {
      ...environment,
      COMPANY_URL: `http://127.0.0.1:${companyPort}`,
      CHECKOUT: 'test',
    })
    closers.push(() => stop(gateway))
    const [, gatewayUrl] = await gateway.printed(/"url":"([^"]+)","msg":"gateway is ready"/)
    await worker.printed(/worker is ready/)
    const start = async (port: string): Promise<[Program, string]> => {
      const program = runProgram('examples/company/main.ts', {
        ...environment,
        GATEWAY_URL: gatewayUrl!,
        OUTBOX_DIR: join(folder, 'company-outbox'),
        PORT: port,
      })
      const [, url] = await program.printed(/the company is open at (\S+)/)
      return [program, url!]
    }
    const [first, companyUrl] = await start(String(companyPort))
    let company = first
    closers.push(() => stop(company))
    const redis = new Redis(redisServer.url)
    closers.push(() => redis.disconnect())
    return {
      companyUrl,
      gatewayUrl: gatewayUrl!,
      redis,
      customer: (credits) => signUp({ gatewayUrl: gatewayUrl!, companyUrl }, credits),
      async restartCompany() {
        await stop(company)
        company = (await start(new URL(companyUrl).port))[0]
      },
      async signIn(account) {
        const journal = await openJournal({ url: databaseUrl })
        try {
          return (await journal.signIns.begin({ accountId: account, lifetimeMs: 3_600_000 })).secret
        } finally {
          await journal.close()
        }
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function stop(program: Program): Promise<void> {
  program.signal('SIGTERM')
  await program.ended
}

interface Addresses {
  readonly gatewayUrl: string
  readonly companyUrl: string
}

async function signUp({ gatewayUrl, companyUrl }: Addresses, credits: string): Promise<Customer> {
  const account = `user-${randomUUID().slice(0, 8)}`
  const admin = <Answer>(path: string, body: object) =>
    ask<Answer>(`${gatewayUrl}/admin/v1/accounts${path}`, 'POST', adminKey, body)
  await admin('', { userId: account, email: `${account}@example.com`, timeZone: 'UTC' })
  const { secret: apiKey } = await admin<{ secret: string }>(`/${account}/keys`, {
    name: 'test',
    createsEmployees: true,
  })
  const grant = async (amount: string): Promise<void> => {
    await admin(`/${account}/grants`, { credits: amount, reason: 'test' })
  }
  if (Number(credits) > 0) await grant(credits)
  const company: Customer['company'] = (method, path, body) => ask(`${companyUrl}/company${path}`, method, apiKey, body)
  const api = <Answer>(path: string) => ask<Answer>(`${gatewayUrl}/credits/v1${path}`, 'GET', apiKey)
  const message: Customer['message'] = async (conversation, answer) => {
    const { messages } = await company<{ messages: readonly SeenMessage[] }>('GET', `/conversations/${conversation}`)
    return messages.find(({ id }) => id === answer)
  }
  await company('POST', '/employees')
  return {
    account,
    apiKey,
    company,
    message,
    grant,
    async say(conversation, employee, text, id = randomUUID()) {
      const path = `/conversations/${conversation}/messages`
      return (await company<{ answer: Message }>('POST', path, { id, employee, text })).answer
    },
    ended: (conversation, answer) =>
      until(async () => {
        const found = await message(conversation, answer)
        return found !== undefined && ['done', 'stopped', 'failed'].includes(found.state) ? found : undefined
      }, 60_000),
    async *events(conversation, after) {
      const hungUp = new AbortController()
      const answer = await fetch(`${companyUrl}/company/conversations/${conversation}/events`, {
        headers: { authorization: `Bearer ${apiKey}`, ...(after === undefined ? {} : { 'last-event-id': after }) },
        signal: hungUp.signal,
      })
      try {
        const parsed = answer.body!.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
        for await (const { id, data } of parsed) yield { id: id!, event: JSON.parse(data) as CompanyEvent }
      } finally {
        hungUp.abort()
      }
    },
    charges: async () => (await api<{ items: Charge[] }>('/activity?limit=200')).items,
    balance: () => api('/balance'),
    async spendAll() {
      const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey, maxRetries: 0 })
      const take = async (): Promise<void> => {
        const stream = await client.chat.completions.create({
          model: 'practice/gpt-6-sol',
          n: 20,
          stream: true,
          messages: [{ role: 'user', content: 'Write 2000 words.' }],
        })
        for await (const _ of stream);
      }
      // What others held while a stream was cut comes back after it: it is taken too.
      await until(async () => {
        await take().catch((error: unknown) => {
          if (!(error instanceof OpenAI.APIError)) throw error
        })
        return (await api<{ remaining: number }>('/balance')).remaining === 0
      }, 90_000)
    },
  }
}

async function ask<Answer>(url: string, method: string, key: string, body?: object): Promise<Answer> {
  const answer = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as Answer
}
