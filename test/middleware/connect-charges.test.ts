import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import { type RunningTemporal, startTemporal } from '../../bin/stack/temporal.ts'
import { chargeId } from '../../credits/charge-id.ts'
import { toMicro } from '../../credits/money.ts'
import { noQuantities, type UsageRow } from '../../credits/usage-row.ts'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { accountTaskQueue } from '../../credits/account/task-queue.ts'
import { type Accounts, createAccounts } from '../../middleware/accounts.ts'
import {
  type ChargesEvent,
  connectCharges,
  type ConnectedCharges,
  type ConnectOptions,
} from '../../middleware/connect-charges.ts'
import { ownDatabase } from '../e2e/own-database.ts'
import { type Program, runProgram } from '../e2e/processes.ts'
import { until } from '../stack/until.ts'
import { catalogueWithRuntime as catalogue } from '../temporal-plugin/charging.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-connect-'))
const row: UsageRow = { category: 'tool_calls', tier: '', model: '', item: 'gmail', employee: '', organization: '' }
const detail = { messageId: '', task: '', purpose: '', catalogueVersion: catalogue.version, priceVersion: '' }

let redis: RunningRedis
let temporal: RunningTemporal
let databaseUrl: string
let journal: Journal
let client: Client
let accounts: Accounts
let worker: Program
let events: ChargesEvent[] = []
let opened: ConnectedCharges[] = []

// Stores of its own: a worker on the run's would bring other tests' receipts to its journal.
beforeAll(async () => {
  databaseUrl = await ownDatabase()
  ;[redis, temporal, journal] = await Promise.all([startRedis(), startTemporal(), openJournal({ url: databaseUrl })])
  client = new Client({ connection: await Connection.connect({ address: temporal.address }) })
  accounts = createAccounts({ client, taskQueue: accountTaskQueue, catalogue })
  worker = runProgram('bin/worker.ts', {
    REDIS_URL: redis.url,
    TEMPORAL_ADDRESS: temporal.address,
    DATABASE_URL: databaseUrl,
    WORKER_PORT: '0',
  })
  await worker.printed(/worker is ready/)
}, 120_000)
afterEach(async () => {
  await Promise.all(opened.map((charges) => charges.close()))
  opened = []
  events = []
})
afterAll(async () => {
  worker.signal('SIGTERM')
  await worker.ended
  await Promise.all([redis.stop(), temporal.stop(), journal.close(), client.connection.close()])
  rmSync(folder, { recursive: true, force: true })
}, 120_000)

async function connect(more: Partial<ConnectOptions> = {}): Promise<ConnectedCharges> {
  const charges = await connectCharges({
    redisUrl: redis.url,
    databaseUrl,
    temporal: { address: temporal.address },
    catalogue,
    outboxFolder: join(folder, 'outbox'),
    onEvent(event) {
      events.push(event)
      throw new Error('whoever listens may fail')
    },
    ...more,
  })
  opened.push(charges)
  return charges
}

async function signUp(): Promise<string> {
  const accountId = `u-${randomUUID()}`
  const answer = await accounts.signUp({ accountId, email: `${accountId}@example.com`, timeZone: 'UTC' })
  expect(answer).toMatchObject({ ok: true })
  return accountId
}

const request = (accountId: string) => ({
  accountId,
  id: chargeId(Date.now(), randomUUID()),
  amount: toMicro(50_000),
  minimum: toMicro(50_000),
  ttlMs: 60_000,
  row,
  levels: [],
})

const work = {
  actual: toMicro(40_000),
  row,
  quantities: { ...noQuantities, units: 1 },
  detail: {
    ...detail,
    provider: '',
    pricedAs: 'sendMail',
    startedAtMs: 0,
    durationMs: 0,
    outcome: 'finished',
    estimated: false,
    lines: [],
  },
}

test('an account that signed up is loaded, charged, and found in the journal', async () => {
  const charges = await connect()
  const asked = request(await signUp())
  const answer = await charges.open(asked)
  if (!answer.ok) throw new Error(answer.refusal.kind)
  expect(await answer.hold.settle(work).settled).toMatchObject({ charged: 40_000, uncollected: 0 })
  expect(await until(() => journal.findCharge(asked.accountId, asked.id).then((found) => found ?? undefined))).toEqual(
    expect.objectContaining({ charged: 40_000 }),
  )
}, 120_000)

test('what nobody signed up for is refused', async () => {
  const charges = await connect()
  expect(await charges.open(request('nobody'))).toEqual({ ok: false, refusal: { kind: 'account_unknown' } })
})

test('while Temporal is away an account that is not loaded is refused, and closing waits for the last call', async () => {
  const charges = await connect({ temporal: { address: '127.0.0.1:1' } })
  expect(await charges.open(request(`u-${randomUUID()}`))).toMatchObject({
    ok: false,
    refusal: { kind: 'ledger_unavailable' },
  })
})

test('closing charges what still runs under a meter', async () => {
  const charges = await connect()
  const accountId = await signUp()
  const metered = { accountId, meter: randomUUID(), perMinute: toMicro(1_000_000), row, levels: [], detail }
  expect(await charges.meters.run(metered)).toMatchObject({ ok: true })
  await until(async () => (await connection((other) => other.keys('*'))).some((key) => key.includes(metered.meter)))
  await charges.close()
  const [entry] = await until(async () => {
    const entries = await journal.receiptsAfter(accountId, 0, 10)
    return entries.length > 0 && entries
  })
  expect(entry!.detail?.lines).toMatchObject([{ kind: 'runtime' }])
})

test('closing twice is closing once, and leaves no connection', async () => {
  const before = await connections()
  const charges = await connect()
  expect(await connections()).toBeGreaterThan(before)
  await Promise.all([charges.close(), charges.close()])
  expect(await connections()).toBe(before)
})

describe('what keeps it from connecting is told by a code, and nothing stays open', () => {
  const file = join(folder, 'a-file')
  writeFileSync(file, '')
  test.each<[Partial<ConnectOptions>, string, RegExp]>([
    [{ redisUrl: 'redis://:secret@127.0.0.1:1' }, 'ledger_unavailable', /^Redis does not answer at .*127\.0\.0\.1:1/],
    [{ redisUrl: 'nowhere' }, 'ledger_unavailable', /no URL/],
    [{ databaseUrl: 'postgres://127.0.0.1:1/none' }, 'journal_unavailable', /ECONNREFUSED/],
    [{ outboxFolder: join(file, 'outbox') }, 'outbox_unavailable', /a-file/],
  ])('%o: %s', async (options, code, words) => {
    const before = await connections()
    const failure: unknown = await connect(options).catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'StoreNotOpened', code, message: expect.stringMatching(words) })
    expect(String(failure)).not.toContain('secret')
    expect(await connections()).toBe(before)
  })
})

test('its events tell what an operator should know, and a listener that throws disturbs nothing', async () => {
  await connect()
  expect(events).toContainEqual(expect.objectContaining({ kind: 'redis_warning', setting: 'appendonly' }))
})

async function connection<T>(ask: (other: Awaited<ReturnType<typeof connectRedis>>) => Promise<T>): Promise<T> {
  const other = await connectRedis(redis.url)
  try {
    return await ask(other)
  } finally {
    await other.quit()
  }
}

/** How many clients Redis has, those of the worker included. */
const connections = (): Promise<number> =>
  connection(
    async (other) =>
      String(await other.client('LIST'))
        .trim()
        .split('\n').length,
  )
