import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import OpenAI from 'openai'
import { inject } from 'vitest'
import { availableOf, remainingOf } from '../../credits/balance.ts'
import type { Catalogue } from '../../credits/catalogue.ts'
import { type Micro, toMicro } from '../../credits/money.ts'
import { parseCatalogue } from '../../credits/parse-catalogue.ts'
import { compilePrices } from '../../credits/prices.ts'
import type { Receipt } from '../../credits/receipt.ts'
import type { BudgetTerms, EmployeeCard, Terms } from '../../credits/terms.ts'
import { createChat } from '../../gateway/chat-routes.ts'
import type { CallerKey, CallObservation, GatewayDeps } from '../../gateway/deps.ts'
import type { KeptKeys } from '../../gateway/idempotency.ts'
import { createListener } from '../../gateway/listener.ts'
import { createLearned } from '../../gateway/learn.ts'
import { createOpenAiCompatible } from '../../gateway/providers/openai-compatible.ts'
import { createPractice } from '../../gateway/providers/practice.ts'
import type { UpstreamProvider } from '../../gateway/upstream.ts'
import type { RequestRecord } from '../../journal/requests.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { shardOf } from '../../ledger/keys.ts'
import { createLedger, type Ledger } from '../../ledger/ledger.ts'
import { createRememberedAnswers } from '../../ledger/remembered-answers.ts'
import { systemClock } from '../../middleware/clock.ts'
import { createGate, type Gate } from '../../middleware/gate.ts'
import { createOutbox } from '../../middleware/outbox/outbox.ts'
import { openStore } from '../../middleware/outbox/store.ts'
import { type MockUpstream, startMockUpstream } from './mock-upstream.ts'

/** µcr per token of every model of the mock upstream. */
export const prices = { input: 100, output: 1_000 }

const parsed = parseCatalogue(readFileSync(new URL('../../catalogue.yaml', import.meta.url), 'utf8'))
if (!parsed.ok) throw new Error('the catalogue of the repository is broken')

const price = (model: string, factor = 1) => ({
  model,
  creditsPerMillion: { input_tokens: String(prices.input * factor), output_tokens: String(prices.output * factor) },
})
const provider = (
  id: string,
  kind: 'openai' | 'ollama' | 'practice',
  onHangUp: 'produced' | 'nothing' = 'produced',
) => ({ id, kind, baseUrl: '', baseUrlEnv: '', keyEnv: '', pricesFrom: kind === 'practice' ? 'mock' : id, onHangUp })
const facts = (id: string, hiddenReasoning = false) => ({
  id,
  contextWindow: 100_000,
  maxOutputTokens: 16_000,
  hiddenReasoning,
})

export const catalogue: Catalogue = {
  ...parsed.catalogue,
  providers: [
    provider('mock', 'openai'),
    provider('second', 'openai'),
    provider('lenient', 'openai', 'nothing'),
    provider('down', 'openai'),
    provider('ollama', 'ollama', 'nothing'),
    provider('practice', 'practice'),
  ],
  tiers: [
    { id: 'fast', name: 'Fast', models: ['mock/plain', 'practice/plain'] },
    { id: 'standard', name: 'Standard', models: ['down/gone', 'second/dear', 'practice/plain'] },
    { id: 'advanced', name: 'Advanced', models: ['practice/plain'] },
  ],
  images: { ...parsed.catalogue.images, models: ['mock/image', 'practice/image'] },
  models: [facts('mock/hidden', true), facts('ollama/*'), facts('*')],
  prices: [
    price('mock/plain'),
    price('mock/hidden'),
    price('second/dear', 3),
    price('mock/costly', 50),
    price('lenient/plain'),
    price('down/gone'),
    price('practice/plain'),
  ],
}

export interface Stand {
  readonly url: string
  readonly upstream: MockUpstream
  readonly ledger: Ledger
  readonly gate: Gate
  readonly redis: Redis
  readonly deps: GatewayDeps
  readonly observed: (CallObservation | { readonly outcome: string })[]
  readonly createdEmployees: { readonly id: string; readonly organization: string }[]
  account(options: {
    readonly credits: number
    readonly budgets?: readonly BudgetTerms[]
    readonly employees?: readonly EmployeeCard[]
    readonly key?: Partial<CallerKey>
  }): Promise<Account>
  /** Every receipt of an account, once all its holds are settled. */
  receipts(account: Account): Promise<readonly Receipt[]>
  /** Connections to the gateway that are open. */
  connections(): Promise<number>
  close(): Promise<void>
}

export interface Account {
  readonly id: string
  readonly secret: string
  readonly client: OpenAI
  figures(): Promise<{
    readonly remaining: Micro
    readonly available: Micro
    readonly held: Micro
    readonly spent: Micro
  }>
  /** More money, at once. */
  grant(credits: number): Promise<void>
  fetch(
    path: string,
    init?: Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Response>
}

export interface StandOptions {
  readonly change?: Partial<GatewayDeps>
  readonly wrapLedger?: (ledger: Ledger) => Ledger
}

/** The model routes on a real port, before a real Redis and a mock upstream. */
export async function openStand({ change = {}, wrapLedger = (ledger) => ledger }: StandOptions = {}): Promise<Stand> {
  const redis = await connectRedis(inject('redisUrl'), { commandTimeoutMs: 10_000 })
  const ledger = wrapLedger(createLedger(redis, { depletedBelow: catalogue.policies.depletedBelow }))
  const upstream = await startMockUpstream()
  const keys = new Map<string, CallerKey | 'revoked'>([['sk-revoked', 'revoked']])
  const observed: (CallObservation | { readonly outcome: string })[] = []
  const createdEmployees: { id: string; organization: string }[] = []
  const outboxFolder = mkdtempSync(join(tmpdir(), 'tollgate-outbox-'))
  const findCharge = () => Promise.resolve(null)
  const loadAccount = () => Promise.resolve('unknown' as const)
  const outbox = await createOutbox({
    store: await openStore({ folder: outboxFolder, clock: systemClock, onEvent: () => undefined }),
    ledger,
    journal: { findCharge, settledAmong: () => Promise.resolve([]) },
    loadAccount,
    clock: systemClock,
  })
  const gate = createGate({ ledger, findCharge, loadAccount, clock: systemClock, outbox })
  const mock = (id: string): UpstreamProvider =>
    createOpenAiCompatible({ id, baseUrl: upstream.url, apiKey: `key-of-${id}`, outputLimitField: 'max_tokens' })
  const providers: Record<string, UpstreamProvider> = {
    mock: mock('mock'),
    second: mock('second'),
    lenient: mock('lenient'),
    ollama: mock('ollama'),
    down: createOpenAiCompatible({
      id: 'down',
      baseUrl: 'http://127.0.0.1:1/v1',
      apiKey: '',
      outputLimitField: 'max_tokens',
    }),
    practice: createPractice({ id: 'practice', tokensPerSecond: 0, clock: systemClock }),
  }
  const deps: GatewayDeps = {
    gate,
    keyRing: { find: (secret) => Promise.resolve(keys.get(secret) ?? 'unknown') },
    catalogue,
    priceBook: compilePrices(catalogue),
    usable: () => true,
    providerOf: (id) => providers[id]!,
    readAccount: async (accountId) => {
      const answer = await ledger.read(accountId)
      return answer.status === 'loaded' ? answer : 'unknown'
    },
    ensureEmployee: (_, { id, organization }) => Promise.resolve(void createdEmployees.push({ id, organization })),
    answers: createRememberedAnswers(redis),
    keptKeys: createKeptKeys(),
    learned: createLearned(),
    clock: systemClock,
    newId: randomUUID,
    log: { warn: () => undefined, error: () => undefined },
    metrics: {
      refused: (outcome) => void observed.push({ outcome }),
      admitted: () => undefined,
      answered: () => undefined,
      ended: (call) => void observed.push(call),
      delivered: () => undefined,
    },
    ...change,
  }
  const chat = createChat(deps)
  const server = createServer(createListener(chat.routes, chat.answerModelCall))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`

  return {
    url,
    upstream,
    ledger,
    gate,
    redis,
    deps,
    observed,
    createdEmployees,
    async account({ credits, budgets = [], employees = [], key = {} }) {
      const id = `acct-${randomUUID()}`
      const secret = `sk-${randomUUID()}`
      keys.set(secret, {
        id: 'key',
        accountId: id,
        employees: null,
        createsEmployees: false,
        mayName: { employee: true, organization: true, message: true, purpose: true },
        ...key,
      })
      const first = terms(id, { version: 1, credits, budgets, employees })
      const token = randomUUID()
      await ledger.lock(id, token, 5_000)
      await ledger.hydrate({
        accountId: id,
        token,
        lineage: 1,
        terms: first,
        epochs: [],
        budgets: [],
        held: toMicro(0),
        newestBirthMs: 0,
        journalNowMs: 0,
      })
      let version = 1
      let granted = credits
      return {
        id,
        secret,
        client: new OpenAI({ apiKey: secret, baseURL: `${url}/v1`, maxRetries: 0 }),
        async figures() {
          const answer = await ledger.read(id)
          if (answer.status !== 'loaded') throw new Error(`account ${id} is not loaded`)
          return {
            remaining: remainingOf(answer),
            available: availableOf(answer),
            held: answer.held,
            spent: answer.spent,
          }
        },
        async grant(more) {
          version += 1
          granted += more
          await ledger.putTerms(id, terms(id, { version, credits: granted, budgets, employees }))
        },
        fetch: (path, init = {}) =>
          fetch(`${url}${path}`, {
            ...init,
            headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...init.headers },
          }),
      }
    },
    async receipts(account) {
      await gate.settled()
      const entries = await ledger.receipts(shardOf(account.id), 10_000)
      return entries.map(({ receipt }) => receipt).filter(({ accountId }) => accountId === account.id)
    },
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
      ),
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      await upstream.close()
      await gate.close(5_000)
      await outbox.close(0)
      rmSync(outboxFolder, { recursive: true, force: true })
      await ledger.close().catch(() => undefined)
      redis.disconnect()
    },
  }
}

function terms(
  accountId: string,
  {
    version,
    credits,
    budgets,
    employees,
  }: { version: number; credits: number; budgets: readonly BudgetTerms[]; employees: readonly EmployeeCard[] },
): Terms {
  const granted = toMicro(Math.round(credits * 1_000_000))
  return {
    version,
    epoch: 1,
    granted,
    used: toMicro(0),
    earlier: [],
    budgets,
    utcOffsetMs: 0,
    alertsAt: [],
    card: {
      accountId,
      plan: 'free',
      planName: 'Free',
      allowance: granted,
      periodStartMs: 0,
      periodEndMs: 4e12,
      timeZone: 'UTC',
      total: granted,
      grants: [],
      employees,
    },
  }
}

/** A prompt that tells the mock upstream what to do. */
export const says = (script: object) => [{ role: 'user' as const, content: JSON.stringify(script) }]

export async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** The journal's memory of keys, as one process sees it. */
function createKeptKeys(): KeptKeys {
  const kept = new Map<string, RequestRecord>()
  const nameOf = (accountId: string, key: string): string => `${accountId}\n${key}`
  return {
    findRequest: (accountId, key) => Promise.resolve(kept.get(nameOf(accountId, key)) ?? null),
    rememberRequest: (record) => {
      kept.set(nameOf(record.accountId, record.idempotencyKey), record)
      return Promise.resolve(record)
    },
  }
}
