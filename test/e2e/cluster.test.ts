import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import slotOf from 'cluster-key-slot'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningTemporal, startTemporal } from '../../bin/stack/temporal.ts'
import { type AccountView, accountWorkflowId, queries } from '../../credits/account/messages.ts'
import { chargeId } from '../../credits/charge-id.ts'
import { toMicro, zero } from '../../credits/money.ts'
import type { RowTotals } from '../../credits/usage-row.ts'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { accountKeys } from '../../ledger/keys.ts'
import { createLedger, type Ledger } from '../../ledger/ledger.ts'
import { openRedis } from '../../ledger/open-redis.ts'
import { row } from '../ledger/given.ts'
import { type RunningCluster, startCluster } from '../stack/cluster.ts'
import { until } from '../stack/until.ts'
import { ownDatabase } from './own-database.ts'
import { type Program, runProgram } from './processes.ts'

const adminKey = 'an-operators-key-for-tests'
const folder = mkdtempSync(join(tmpdir(), 'tollgate-cluster-processes-'))

let cluster: RunningCluster
let temporal: RunningTemporal
let temporalClient: Client
let journal: Journal
let ledger: Ledger
let environment: Record<string, string>
let programs: Program[]
let url: string
/** Two on each master, in the order of the masters. */
let accounts: Account[]

interface Account {
  readonly userId: string
  readonly apiKey: string
  /** What the answers to its calls said, µcr. */
  charged: number
}

beforeAll(async () => {
  const databaseUrl = await ownDatabase()
  ;[cluster, temporal] = await Promise.all([startCluster(), startTemporal()])
  await cluster.nodes[1]!.redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
  journal = await openJournal({ url: databaseUrl })
  temporalClient = new Client({ connection: await Connection.connect({ address: temporal.address }) })
  ledger = createLedger((await openRedis(cluster.nodes[0]!.url)).redis, { depletedBelow: zero })
  environment = {
    REDIS_URL: cluster.nodes[2]!.url,
    TEMPORAL_ADDRESS: temporal.address,
    DATABASE_URL: databaseUrl,
    ADMIN_KEY: adminKey,
    TOKEN_SECRET: 'a-secret-that-is-long-enough-to-be-one',
    PRACTICE_TOKENS_PER_SECOND: '0',
    PORT: '0',
    WORKER_PORT: '0',
    CLOCK_SLACK_SECONDS: '1',
    DATA_DIR: folder,
  }
  const worker = runProgram('bin/worker.ts', environment)
  const gateway = runProgram('bin/gateway.ts', environment)
  programs = [worker, gateway]
  url = (await gateway.printed(/"url":"([^"]+)","msg":"gateway is ready"/))[1]!
  await worker.printed(/worker is ready/)
  accounts = await Promise.all([0, 1, 2].flatMap((node) => userIdsOn(node, 2)).map(signUp))
}, 240_000)

afterAll(async () => {
  for (const program of programs) program.signal('SIGTERM')
  await Promise.all(programs.map(({ ended }) => ended))
  await Promise.all([ledger.close(), journal.close(), temporalClient.connection.close()])
  await Promise.all([cluster.stop(), temporal.stop()])
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

function userIdsOn(node: number, count: number): readonly string[] {
  const [first, last] = cluster.nodes[node]!.slots
  const names = Array.from({ length: 100 }, (_, index) => `user-${index}`)
  const here = names.filter((name) => {
    const slot = slotOf(accountKeys(name).account)
    return slot >= first && slot <= last
  })
  return here.slice(0, count)
}

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return (await answer.json()) as Record<string, unknown>
}

async function signUp(userId: string): Promise<Account> {
  await post('/admin/v1/accounts', { userId, email: `${userId}@example.com`, timeZone: 'UTC' })
  const { secret } = await post(`/admin/v1/accounts/${userId}/keys`, { name: 'test' })
  return { userId, apiKey: secret as string, charged: 0 }
}

/** One model call; what it cost is added to what the account must have been charged. */
async function call(account: Account): Promise<void> {
  const answer = await new OpenAI({
    baseURL: `${url}/v1`,
    apiKey: account.apiKey,
    maxRetries: 0,
  }).chat.completions.create({ model: 'fast', messages: [{ role: 'user', content: 'Say hello in five words.' }] })
  account.charged += (answer as unknown as { tollgate: { microCredits: number } }).tollgate.microCredits
}

const sum = (rows: Readonly<Record<string, RowTotals>> = {}) =>
  Object.values(rows).reduce((total, { charged }) => total + charged, 0)

/** Ledger, workflow and journal of the accounts say what its answers said. */
async function everywhereAsAnswered(some = accounts): Promise<void> {
  for (const { userId, charged } of some) {
    await until(async () => {
      const [reading, view, totals] = await Promise.all([
        ledger.read(userId),
        temporalClient.workflow.getHandle(accountWorkflowId(userId)).query<AccountView>(queries.view),
        journal.totals(userId),
      ])
      const found = [
        reading.status === 'loaded' ? reading.spent : undefined,
        sum(view.periods[0]?.rows),
        sum(totals.epochs[0]?.rows),
      ]
      return found.every((amount) => amount === charged)
    })
  }
}

test('gateway and worker say which server may lose credits, and a gateway that is given a database number ends', async () => {
  for (const program of programs)
    expect(program.output()).toMatch(
      new RegExp(`"level":40.*"redis":"127.0.0.1:${cluster.nodes[1]!.port}","setting":"maxmemory-policy".*noeviction`),
    )
  const refused = runProgram('bin/gateway.ts', { ...environment, REDIS_URL: `${cluster.nodes[0]!.url}/3` })
  expect(await refused.ended).toBe(1)
  expect(refused.output()).toMatch(/redis_unfit\)\n.*a Cluster has only database 0/)
  expect(refused.output()).not.toMatch(/^ {4}at /m)
}, 120_000)

test('calls on accounts of all three masters are charged right, in ledger, workflow and journal', async () => {
  const lane = async (account: Account): Promise<void> => {
    for (let made = 0; made < 10; made += 1) await call(account)
  }
  await Promise.all(accounts.map(lane))
  expect(accounts.every(({ charged }) => charged > 0)).toBe(true)
  await everywhereAsAnswered()
}, 60_000)

test('a viewer of each master sees the next charge live', async () => {
  for (const account of [accounts[0]!, accounts[2]!, accounts[4]!]) {
    const hangUp = new AbortController()
    const feed = await fetch(`${url}/credits/v1/feed`, {
      headers: { authorization: `Bearer ${account.apiKey}` },
      signal: hangUp.signal,
    })
    let seen = ''
    let called = false
    for await (const chunk of feed.body!.pipeThrough(new TextDecoderStream())) {
      seen += chunk
      if (!called && seen.includes('event: balance')) {
        called = true
        await call(account)
      }
      if (seen.includes('event: debit')) break
    }
    hangUp.abort()
    expect(seen).toContain('event: debit')
  }
}, 60_000)

test('holds whose callers are gone are swept on every master', async () => {
  for (const { userId } of accounts) {
    const reading = await ledger.read(userId)
    if (reading.status !== 'loaded') throw new Error('not loaded')
    const known = { lineage: reading.lineage, nowMs: reading.nowMs, found: null }
    const lease = { amount: toMicro(50), minimum: zero, ttlMs: 1, row, levels: [] }
    const id = chargeId(reading.nowMs, 'abandoned')
    expect(await ledger.reserve({ accountId: userId, id, ...lease }, known)).toMatchObject({ status: 'created' })
  }
  for (const { userId } of accounts)
    await until(async () => {
      const reading = await ledger.read(userId)
      return reading.status === 'loaded' && reading.held === 0
    })
}, 60_000)

test('one master is killed: its accounts answer 503, the others go on, and all go on when it is back', async () => {
  await everywhereAsAnswered()
  await cluster.kill(1)
  const [first, second, gone, goneToo, fifth, sixth] = accounts
  for (const account of [first, second, fifth, sixth]) await call(account!)
  for (const account of [gone, goneToo])
    await expect(call(account!)).rejects.toMatchObject({ status: 503, code: 'ledger_unavailable' })
  await everywhereAsAnswered([first!, second!, fifth!, sixth!])
  await cluster.restart(1)
  for (const account of accounts)
    await until(() =>
      call(account).then(
        () => true,
        () => undefined,
      ),
    )
  await everywhereAsAnswered()
}, 120_000)
