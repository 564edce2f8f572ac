import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import { type Cuttable, openCuttable } from '../stack/cuttable.ts'
import { ownDatabase } from './own-database.ts'
import { type Program, runProgram } from './processes.ts'

const gatewayFile = 'bin/gateway.ts'
const workerFile = 'bin/worker.ts'
/** Whoever waits so long fails by the test's own limit. */
const anHour = '3600'

let server: RunningRedis
let redis: Cuttable
let temporal: Cuttable
let postgres: Cuttable

beforeAll(async () => {
  // Of its own: a worker drains every shard, also what other tests of the run would still look at.
  server = await startRedis()
  redis = await openCuttable(new URL(server.url))
  temporal = await openCuttable(new URL(`grpc://${inject('temporalAddress')}`))
  postgres = await openCuttable(new URL(await ownDatabase()))
})
afterAll(async () => {
  for (const way of [redis, temporal, postgres]) way.close()
  await server.stop()
})

function start(file: string, settings: Readonly<Record<string, string>> = {}): Program {
  const program = runProgram(file, {
    REDIS_URL: redis.url,
    TEMPORAL_ADDRESS: new URL(temporal.url).host,
    DATABASE_URL: postgres.url,
    ADMIN_KEY: 'an-operators-key-for-tests',
    TOKEN_SECRET: 'a-secret-that-is-long-enough-to-be-one',
    PORT: '0',
    WORKER_PORT: '0',
    START_PATIENCE_SECONDS: anHour,
    ...settings,
  })
  onTestFinished(() => program.signal('SIGKILL'))
  return program
}

describe('a program that starts before its stores', () => {
  test.each([gatewayFile, workerFile])('says which it waits for, and is ready when they are: %s', async (file) => {
    for (const way of [redis, temporal, postgres]) way.cut()
    const program = start(file)
    await Promise.all([program.printed(/waiting for Redis/), program.printed(/waiting for PostgreSQL/)])
    postgres.mend()
    await program.printed(/PostgreSQL is there/)
    redis.mend()
    await program.printed(/Redis is there/)
    if (file === workerFile) await program.printed(/waiting for Temporal/)
    temporal.mend()
    await program.printed(/is ready/)
    program.signal('SIGTERM')
    expect(await program.ended).toBe(0)
  })

  test('ends by itself with the reason when the time is over', async () => {
    redis.cut()
    const program = start(gatewayFile, { START_PATIENCE_SECONDS: '1' })
    expect(await program.ended).toBe(1)
    expect(program.output()).toMatch(/waiting for Redis[^]*tollgate cannot start \(ledger_unavailable\)\nRedis does/)
    redis.mend()
  })

  test.each([
    ['Redis', gatewayFile, () => redis],
    ['Temporal', workerFile, () => temporal],
  ])('ends in good order when it is told to while it waits for %s', async (store, file, way) => {
    way().cut()
    const program = start(file)
    await program.printed(new RegExp(`waiting for ${store}`))
    program.signal('SIGTERM')
    expect(await program.ended).toBe(0)
    way().mend()
  })
})

describe('what waiting cannot mend is told at once', () => {
  test.each<[string, string, () => Record<string, string>, RegExp]>([
    [
      'a wrong password of Redis',
      gatewayFile,
      () => ({ REDIS_URL: withUser(redis.url) }),
      /ledger_unavailable.*\n.*WRONGP/,
    ],
    [
      'a role that PostgreSQL does not know',
      workerFile,
      () => ({ DATABASE_URL: withUser(postgres.url) }),
      /"somebody"/,
    ],
    [
      'no such database',
      gatewayFile,
      () => ({ DATABASE_URL: Object.assign(new URL(postgres.url), { pathname: '/none' }).href }),
      /journal_unavailable.*\n.*"none" does not exist/,
    ],
    ['a setting', workerFile, () => ({ START_PATIENCE_SECONDS: 'long' }), /settings_invalid.*\nSTART_PATIENCE_SECONDS/],
  ])('%s', async (_, file, settings, words) => {
    const program = start(file, settings())
    expect(await program.ended).toBe(1)
    expect(program.output()).toMatch(words)
  })

  test('a password that Redis asks for and nobody gave, also while another store is away', async () => {
    const locked = await startRedis()
    onTestFinished(() => locked.stop())
    const own = new Redis(locked.url, { protocol: 2 })
    await own.config('SET', 'requirepass', 'secret')
    own.disconnect()
    postgres.cut()
    const program = start(gatewayFile, { REDIS_URL: locked.url })
    expect(await program.ended).toBe(1)
    expect(program.output()).toMatch(/ledger_unavailable.*\n.*NOAUTH/)
    postgres.mend()
  })
})

function withUser(url: string): string {
  return Object.assign(new URL(url), { username: 'somebody', password: 'wrong' }).href
}
