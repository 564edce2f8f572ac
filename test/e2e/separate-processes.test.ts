import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import { type RunningTemporal, startTemporal } from '../../bin/stack/temporal.ts'
import { type AccountView, accountWorkflowId, queries } from '../../credits/account/messages.ts'
import type { RowTotals } from '../../credits/usage-row.ts'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { type Cuttable, openCuttable } from '../stack/cuttable.ts'
import { ownDatabase } from './own-database.ts'
import { type Program, runProgram } from './processes.ts'
import { until } from '../stack/until.ts'

const adminKey = 'an-operators-key-for-tests'
const folder = mkdtempSync(join(tmpdir(), 'tollgate-processes-'))

let redis: RunningRedis
let temporal: RunningTemporal
let postgres: Cuttable
let environment: Record<string, string>
let gateways: Program[]
let worker: Program
let urls: string[]
let journal: Journal
let temporalClient: Client
let apiKey: string

const startGateway = async (): Promise<[Program, string]> => {
  const program = runProgram('bin/gateway.ts', environment)
  const [, url] = await program.printed(/"url":"([^"]+)","msg":"gateway is ready"/)
  return [program, url!]
}

async function ask(
  url: string,
  path: string,
  init: Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> } = {},
  key = adminKey,
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const answer = await fetch(`${url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...init.headers },
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown>, headers: answer.headers }
}
const post = (path: string, body: object, headers: Record<string, string> = {}) =>
  ask(urls[0]!, path, { method: 'POST', body: JSON.stringify(body), headers })

const call = (url = urls[0]!, key = apiKey) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 }).chat.completions.create({
    model: 'fast',
    messages: [{ role: 'user', content: 'Say hello in five words.' }],
  })

const usedInLedger = async () => (await ask(urls[0]!, '/credits/v1/balance', {}, apiKey)).body['used'] as number
const costOf = (answer: object) => (answer as { tollgate: { microCredits: number } }).tollgate.microCredits

// The API shows what is on its way too; these two ask workflow and journal themselves.
const usedInWorkflow = async () => {
  const view = await temporalClient.workflow.getHandle(accountWorkflowId('ada')).query<AccountView>(queries.view)
  return charged(view.periods[0]?.rows)
}
const usedInJournal = async () => charged((await journal.totals('ada')).epochs[0]?.rows)
const charged = (rows: Readonly<Record<string, RowTotals>> = {}) =>
  Object.values(rows).reduce((total, row) => total + row.charged, 0)

/** The three places agree once every charge has travelled. An answer need not wait for its settlement: `above` says what was used before it. */
const inAgreement = (above = 0) =>
  until(async () => {
    const [ledger, workflow, journal] = await Promise.all([usedInLedger(), usedInWorkflow(), usedInJournal()])
    return ledger > above && ledger === workflow && ledger === journal ? ledger : undefined
  }, 60_000)

describe('gateway and worker as processes of their own', () => {
  beforeAll(async () => {
    const databaseUrl = await ownDatabase()
    ;[redis, temporal, postgres] = await Promise.all([
      startRedis({ dir: join(folder, 'redis'), appendonly: 'everysec' }),
      startTemporal({ dbFilename: join(folder, 'temporal.sqlite') }),
      openCuttable(new URL(databaseUrl)),
    ])
    journal = await openJournal({ url: databaseUrl })
    temporalClient = new Client({ connection: await Connection.connect({ address: temporal.address }) })
    environment = {
      REDIS_URL: redis.url,
      TEMPORAL_ADDRESS: temporal.address,
      DATABASE_URL: postgres.url,
      ADMIN_KEY: adminKey,
      TOKEN_SECRET: 'a-secret-that-is-long-enough-to-be-one',
      PRACTICE_TOKENS_PER_SECOND: '0',
      PORT: '0',
      WORKER_PORT: '0',
      // An account that was loaded a moment ago asks the journal for this long whether its ids are new.
      CLOCK_SLACK_SECONDS: '1',
      // Nothing of it is left where `npm start` would find it.
      DATA_DIR: join(folder, 'data'),
    }
    worker = runProgram('bin/worker.ts', environment)
    const started = await Promise.all([startGateway(), startGateway()])
    gateways = started.map(([program]) => program)
    urls = started.map(([, url]) => url)
    await worker.printed(/worker is ready/)
    await post('/admin/v1/accounts', { userId: 'ada', email: 'ada@example.com', timeZone: 'UTC' })
    apiKey = (await post('/admin/v1/accounts/ada/keys', { name: 'test' })).body['secret'] as string
  }, 120_000)

  afterAll(async () => {
    for (const program of [...gateways, worker]) program.signal('SIGTERM')
    await Promise.all([...gateways, worker].map(({ ended }) => ended))
    await Promise.all([redis.stop(), temporal.stop(), journal.close(), temporalClient.connection.close()])
    postgres.close()
    rmSync(folder, { recursive: true, force: true })
  }, 120_000)

  test('under load, what two gateways charged is the same number in answers, ledger, workflow and journal', async () => {
    const before = await usedInLedger()
    const costs: number[] = []
    const lane = async (url: string, calls: number) => {
      for (let made = 0; made < calls; made += 1) costs.push(costOf(await call(url)))
    }
    await Promise.all(Array.from({ length: 20 }, (_, index) => lane(urls[index % 2]!, 20)))
    const charged = costs.reduce((total, cost) => total + cost, 0)
    expect(costs).toHaveLength(400)
    await until(async () => ((await usedInLedger()) === before + charged ? true : undefined))
    expect(await inAgreement()).toBe(before + charged)
    const balances = await Promise.all(
      urls.map(async (url) => (await ask(url, '/credits/v1/balance', {}, apiKey)).body['used']),
    )
    expect(balances).toEqual([before + charged, before + charged])
  })

  test('a key revoked at one gateway is refused by the other', async () => {
    const { secret, id } = (await post('/admin/v1/accounts/ada/keys', { name: 'short-lived' })).body as {
      secret: string
      id: string
    }
    await call(urls[1], secret)
    expect((await ask(urls[0]!, `/admin/v1/accounts/ada/keys/${id}`, { method: 'DELETE' })).status).toBe(200)
    const refused = await until(() =>
      call(urls[1], secret).then(
        () => undefined,
        (error: unknown) => error,
      ),
    )
    expect(refused).toMatchObject({ status: 401, code: 'revoked_api_key' })
  })

  test('the journal away: calls go on, and every charge lands once when it is back', async () => {
    await inAgreement()
    postgres.cut()
    const before = await usedInLedger()
    await call()
    await call(urls[1])
    await until(async () => ((await usedInLedger()) > before ? true : undefined))
    expect(await ask(urls[0]!, '/credits/v1/activity', {}, apiKey)).toMatchObject({
      status: 503,
      body: { error: { code: 'journal_unavailable' } },
    })
    postgres.mend()
    await inAgreement(before)
  }, 120_000)

  test('Temporal away: calls go on, and the workflow has every charge when it is back', async () => {
    await inAgreement()
    await temporal.kill()
    const before = await usedInLedger()
    await call()
    await until(async () => ((await usedInLedger()) > before ? true : undefined))
    const refused = await ask(urls[0]!, '/admin/v1/accounts/ada/grants', {
      method: 'POST',
      body: JSON.stringify({ credits: '1', source: 'adjustment', reason: 'test' }),
      headers: { 'idempotency-key': 'during-outage' },
    })
    expect(refused).toMatchObject({ status: 503, body: { error: { code: 'temporal_unavailable' } } })
    expect(refused.headers.get('retry-after')).not.toBeNull()
    temporal = await startTemporal({ dbFilename: join(folder, 'temporal.sqlite'), port: temporal.port })
    await inAgreement(before)
  }, 180_000)

  test('Redis away: fails closed with 503, never free; back with its append-only file, the balance is what it was', async () => {
    const settled = await inAgreement()
    await redis.kill()
    await expect(call()).rejects.toMatchObject({ status: 503, code: 'ledger_unavailable' })
    expect((await ask(urls[0]!, '/readyz')).status).toBe(503)
    redis = await startRedis({ dir: join(folder, 'redis'), appendonly: 'everysec', port: redis.port })
    const after = await until(() =>
      usedInLedger().then(
        (used) => used,
        () => undefined,
      ),
    )
    expect(after).toBe(settled)
    await until(() => call().catch(() => undefined))
    await inAgreement(settled)
  }, 120_000)

  test('Redis lost with everything in it: the account comes back from journal and workflow', async () => {
    const settled = await inAgreement()
    await redis.kill()
    rmSync(join(folder, 'redis'), { recursive: true })
    redis = await startRedis({ dir: join(folder, 'redis'), appendonly: 'everysec', port: redis.port })
    await until(() => call().catch(() => undefined))
    expect(await inAgreement(settled)).toBeGreaterThan(settled)
  }, 120_000)
})

describe('npm start with addresses', () => {
  test('uses the parts that are given, and starts none of its own', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tollgate-addresses-'))
    // Of its own: its worker drains every shard, also what other tests of the run would still look at.
    const ownRedis = await startRedis()
    onTestFinished(ownRedis.stop)
    const program = runProgram('bin/dev.ts', {
      DATA_DIR: dataDir,
      PORT: '0',
      WORKER_PORT: '0',
      REDIS_URL: ownRedis.url,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      DATABASE_URL: await ownDatabase(),
      ADMIN_KEY: adminKey,
    })
    await program.printed(/Ctrl-C stops everything/)
    const facts = JSON.parse(readFileSync(join(dataDir, 'dev.json'), 'utf8')) as Record<string, string>
    expect(facts).toMatchObject({
      redisUrl: ownRedis.url,
      temporalAddress: inject('temporalAddress'),
      temporalUiUrl: null,
      adminKey,
    })
    expect(await ask(facts['gatewayUrl']!, '/readyz')).toMatchObject({ status: 200 })
    program.signal('SIGINT')
    expect(await program.ended).toBe(0)
    expect(readdirSync(dataDir)).toEqual(['company-outbox', 'outbox', 'secrets.json'])
    // Nothing was charged, so nothing is left for a next start.
    for (const outbox of ['outbox', 'company-outbox']) expect(readdirSync(join(dataDir, outbox))).toEqual([])
    rmSync(dataDir, { recursive: true })
  })
})

describe('what keeps a gateway from starting is said in one message', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-start-errors-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const complete = (): Record<string, string> => ({
    REDIS_URL: inject('redisUrl'),
    DATABASE_URL: inject('databaseUrl'),
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    ADMIN_KEY: adminKey,
    TOKEN_SECRET: 'a-secret-that-is-long-enough-to-be-one',
    // What is waited for, and what is not: start-patience.test.ts
    START_PATIENCE_SECONDS: '0',
  })
  const catalogue = (text: string) => {
    const path = join(folder, 'catalogue.yaml')
    writeFileSync(path, text)
    return path
  }
  test.each<[string, () => Record<string, string>, RegExp]>([
    ['a setting is missing', () => ({ ADMIN_KEY: '' }), /settings_invalid\)\nADMIN_KEY/],
    ['several are missing', () => ({ ADMIN_KEY: '', REDIS_URL: '' }), /\nREDIS_URL: must be set.*\nADMIN_KEY: must be/],
    [
      'one key is two',
      () => ({ SERVICE_KEY: 'k'.repeat(32), ADMIN_KEY: 'k'.repeat(32) }),
      /settings_invalid\)\nSERVICE_KEY: must be another key than ADMIN_KEY/,
    ],
    ['a setting is wrong', () => ({ PORT: 'eighty' }), /settings_invalid\)\nPORT: must be a whole number/],
    ['Redis does not answer', () => ({ REDIS_URL: 'redis://127.0.0.1:1' }), /ledger_unavailable[^]*127\.0\.0\.1:1/],
    ['the journal does not answer', () => ({ DATABASE_URL: 'postgres://127.0.0.1:1/none' }), /journal_unavailable/],
    ['there is no catalogue', () => ({ CATALOGUE: join(folder, 'none.yaml') }), /catalogue_unreadable[^]*none\.yaml/],
    [
      'the catalogue is broken',
      () => ({ CATALOGUE: catalogue('version: 1\nmarkup: cheap\n') }),
      /catalogue_invalid[^]*catalogue\.yaml:2/,
    ],
    [
      'the catalogue is broken, before anything is waited for',
      () => ({ CATALOGUE: catalogue('version: 1\nmarkup: cheap\n'), REDIS_URL: 'redis://127.0.0.1:1' }),
      /catalogue_invalid/,
    ],
  ])('%s', async (_, settings, words) => {
    const program = runProgram('bin/gateway.ts', { ...complete(), ...settings() })
    expect(await program.ended).toBe(1)
    expect(program.output()).toMatch(words)
    expect(program.output()).not.toMatch(/^ {4}at /m)
  })

  test('a worker whose Temporal does not answer says so', async () => {
    const program = runProgram('bin/worker.ts', { ...complete(), TEMPORAL_ADDRESS: '127.0.0.1:1' })
    expect(await program.ended).toBe(1)
    expect(program.output()).toMatch(/temporal_unavailable\)\nTemporal does not answer at 127\.0\.0\.1:1/)
    expect(program.output()).not.toMatch(/^ {4}at /m)
  })

  test('its port is taken', async () => {
    const holder = createServer()
    const port = await new Promise<number>((resolve) =>
      holder.listen(0, '127.0.0.1', () => resolve((holder.address() as { port: number }).port)),
    )
    const program = runProgram('bin/gateway.ts', { ...complete(), PORT: String(port) })
    expect(await program.ended).toBe(1)
    expect(program.output()).toMatch(new RegExp(`port_taken[^]*${port}`))
    holder.close()
  })
})
