import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { MockActivityEnvironment } from '@temporalio/testing'
import type { Redis } from 'ioredis'
import { Hono } from 'hono'
import { type ChargeId, chargeId } from '../../credits/charge-id.ts'
import type { Catalogue } from '../../credits/catalogue.ts'
import { type Micro, toMicro, zero } from '../../credits/money.ts'
import { parseCatalogue } from '../../credits/parse-catalogue.ts'
import type { ReceiptDetail } from '../../credits/receipt.ts'
import { noQuantities, type Quantities, type UsageRow } from '../../credits/usage-row.ts'
import type { AppDeps } from '../../gateway/app.ts'
import { createApp } from '../../gateway/app.ts'
import { inspectAccount, readAccount } from '../../gateway/api/reading.ts'
import { createTestCheckout } from '../../gateway/checkout/checkout.ts'
import { createPaces } from '../../gateway/api/paces.ts'
import { createFeeds } from '../../gateway/feed/feeds.ts'
import { createReceiptWatch } from '../../gateway/feed/receipt-watch.ts'
import type { Api } from '../../gateway/route.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { shardOf } from '../../ledger/keys.ts'
import { createUndrainedReceipts } from '../../ledger/undrained-receipts.ts'
import { createReceiptTail } from '../../ledger/watch-receipts.ts'
import { createKeyRing } from '../../middleware/api-keys.ts'
import { systemClock } from '../../middleware/clock.ts'
import { createSessions } from '../../middleware/sessions/sessions.ts'
import { createSignIns } from '../../middleware/sign-ins.ts'
import { createTokens } from '../../middleware/user-tokens.ts'
import { openSessionProcess } from '../sessions/session-process.ts'
import { createMails, type Mails } from '../stack/mails.ts'
import { type LedgerStand, openLedgerStand } from '../workflows/ledger-stand.ts'
import { newAccountId, openStand, type Stand } from '../workflows/stand.ts'

export const adminKey = 'admin-key-of-the-tests'

/** A whole gateway but for the model routes, on a Redis of its own; nothing drains or reconciles unless the test does. */
export interface ApiStand {
  readonly app: Api
  readonly deps: AppDeps
  /** What was mailed. */
  readonly mails: Mails
  readonly temporal: Stand
  readonly stores: LedgerStand
  readonly redis: Redis
  /** Another gateway over the same stores, with parts replaced. */
  another(change: Partial<AppDeps>): Api
  /** A request as JSON; `as` is the bearer secret. */
  readonly ask: (method: string, path: string, options?: Asked) => Promise<Answer>
  /** A user with an account and a key that may do everything. */
  user(): Promise<TestUser>
  /** A settled model call. */
  charge(accountId: string, call?: Partial<Call>): Promise<ChargeId>
  /** What the worker's drain does: stream to journal. */
  readonly drain: (accountId: string) => Promise<void>
  /** What the worker's reconciliation does each minute: accounts hear what was spent. */
  readonly reconcile: () => Promise<void>
  /** What the worker does until a ledger that lost something has it again. */
  readonly recover: () => Promise<void>
  close(): Promise<void>
}

export interface Asked {
  readonly as?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly app?: Api
}

export interface Answer {
  readonly status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any
  readonly headers: Headers
}

export interface TestUser {
  readonly accountId: string
  readonly key: string
  readonly keyId: string
}

export interface Call {
  readonly amount: Micro
  readonly row: Partial<UsageRow>
  readonly quantities: Partial<Quantities>
  readonly detail: Partial<ReceiptDetail>
  /** Budgets that it counts against, such as `employee:ada`. */
  readonly levels: readonly string[]
}

export const catalogue: Catalogue = (() => {
  const parsed = parseCatalogue(readFileSync(new URL('../../catalogue.yaml', import.meta.url), 'utf8'))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors))
  return parsed.catalogue
})()

const silent = { error: () => {}, warn: () => {} }

export async function openApiStand(): Promise<ApiStand> {
  const [temporal, stores] = await Promise.all([openStand(), openLedgerStand()])
  const redis = await connectRedis(stores.redis.url)
  const { accounts, loader } = stores.live(temporal.accounts)
  const { ledger, journal } = stores
  const sessionProcess = await openSessionProcess({
    ledger,
    journal,
    catalogue,
    findCharge: (accountId, id) => journal.findCharge(accountId, id),
    loadAccount: (accountId) => loader.load(accountId),
  })
  await temporal.startWorker({ ...stores.activities(temporal.accounts), ...sessionProcess.activities })
  const { client, taskQueue } = temporal
  const sessions = createSessions({ client, taskQueue, ledger, catalogue, journal })
  const keys = createKeyRing({ journal, pollMs: 100, clock: systemClock })
  const undrained = createUndrainedReceipts(redis)
  const watch = createReceiptWatch({
    tail: createReceiptTail(redis),
    shardOf,
    log: silent,
  })
  const paces = createPaces(journal, systemClock)
  const feeds = createFeeds({
    sessions,
    journal,
    paces,
    undrained,
    watch,
    read: (accountId) => readAccount({ ledger, loader }, accountId),
    inspect: (accountId) => inspectAccount({ ledger, loader }, accountId),
    view: async (accountId) => {
      const answer = await accounts.view(accountId)
      return answer.ok ? answer.view : undefined
    },
    catalogue,
    now: Date.now,
    log: silent,
  })
  /** Rounds over all accounts, as a worker makes them. */
  const passes = () => {
    const activities = stores.activities(accounts, {
      clock: { ...systemClock, sleep: async () => undefined },
      // Reports what is dirty at once
      ledger: { ...ledger, pending: (shards, limits) => ledger.pending(shards, { ...limits, dirtyOlderThanMs: 0 }) },
    })
    return (name: 'drainReceipts' | 'reconcileAccounts' | 'checkAccounts') =>
      new MockActivityEnvironment().run(activities[name], { from: 0, to: 255, roundMs: 1 })
  }
  const mails = createMails()
  const deps: AppDeps = {
    mailer: mails.mailer,
    publicUrl: () => 'https://tollgate.example',
    signUpOpen: true,
    checkout: createTestCheckout(() => 'https://tollgate.example'),
    chat: new Hono(),
    ledger,
    undrained,
    journal,
    accounts,
    loader,
    keys,
    tokens: createTokens({ secret: 's'.repeat(32), audience: 'test', issuer: 'test', clock: systemClock }),
    signIns: createSignIns({ journal, clock: systemClock }),
    adminKey,
    catalogue,
    usable: () => true,
    estimate: ({ model }) => ({ unknown: model }),
    feeds,
    paces,
    sessions,
    clock: systemClock,
    log: silent,
    parts: {
      ledger: async () => void (await redis.ping()),
      outbox: () => Promise.resolve(),
      temporal: () => Promise.resolve(),
      journal: () => journal.ping(),
    },
    links: { temporalUi: null },
    version: '0.0.0-test',
  }
  const app = createApp(deps)

  const ask: ApiStand['ask'] = async (method, path, { as, body, headers = {}, app: asked = app } = {}) => {
    const response = await asked.request(path, {
      method,
      headers: {
        ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: isJson(response) ? JSON.parse(text) : text, headers: response.headers }
  }

  return {
    app,
    deps,
    mails,
    temporal,
    stores,
    redis,
    another: (change) => createApp({ ...deps, ...change }),
    ask,
    async user() {
      const accountId = newAccountId()
      const signedUp = await ask('POST', '/admin/v1/accounts', {
        as: adminKey,
        body: { userId: accountId, email: `${accountId}@example.com`, timeZone: 'UTC' },
      })
      if (signedUp.status !== 201) throw new Error(JSON.stringify(signedUp.body))
      const made = await ask('POST', `/admin/v1/accounts/${accountId}/keys`, {
        as: adminKey,
        body: { createsEmployees: true },
      })
      if (made.status !== 201) throw new Error(JSON.stringify(made.body))
      return { accountId, key: made.body.secret, keyId: made.body.id }
    },
    async charge(accountId, { amount = toMicro(250_000), row = {}, quantities = {}, detail = {}, levels = [] } = {}) {
      const id = chargeId(Date.now(), randomUUID())
      const request = {
        accountId,
        id,
        actual: amount,
        row: { ...modelRow, ...row },
        quantities: { ...noQuantities, units: 1, inputTokens: 1_000, outputTokens: 200, ...quantities },
        levels,
        detail: {
          ...modelDetail,
          lines: [{ kind: 'input', quantity: 1_000, unit: 'token', rate: '', amount }],
          ...detail,
        },
      }
      const first = await ledger.settle(request)
      // A just loaded account asks the journal about young ids: it has nothing of this one.
      const answer = first.status === 'ask_journal' ? await ledger.settle(request, { ...first, found: null }) : first
      if (answer.status !== 'settled') throw new Error(answer.status)
      return id
    },
    async drain(accountId) {
      const entries = await ledger.receipts(shardOf(accountId), 1_000)
      await journal.storeReceipts(entries.map(({ receipt }) => receipt))
      await ledger.ackReceipts(shardOf(accountId), entries)
    },
    async reconcile() {
      await passes()('reconcileAccounts')
    },
    async recover() {
      const pass = passes()
      for (let round = 0; round < 5; round += 1)
        for (const name of ['drainReceipts', 'reconcileAccounts', 'checkAccounts'] as const) await pass(name)
    },
    async close() {
      await feeds.close()
      await keys.close()
      redis.disconnect()
      await temporal.close()
      await sessionProcess.close()
      await stores.close()
    },
  }
}

const modelRow: UsageRow = {
  category: 'ai_usage',
  tier: 'fast',
  model: 'openai/gpt-5-nano',
  item: '',
  employee: '',
  organization: '',
}
const modelDetail: ReceiptDetail = {
  messageId: '',
  task: '',
  purpose: '',
  provider: 'practice',
  pricedAs: 'openai/gpt-5-nano',
  catalogueVersion: 'c1',
  priceVersion: 'p1',
  startedAtMs: Date.UTC(2026, 10, 14),
  durationMs: 900,
  outcome: 'finished',
  estimated: false,
  lines: [],
}

export const nothing = zero

function isJson(response: Response): boolean {
  return /json/.test(response.headers.get('content-type') ?? '')
}
