import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createReconcileMetrics, reportCensus } from '../../activities/metrics.ts'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import { chargeId } from '../../credits/charge-id.ts'
import { toMicro } from '../../credits/money.ts'
import { type Census, createCensus } from '../../ledger/census.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { createLedger, type Ledger, LedgerUnavailable } from '../../ledger/ledger.ts'
import type { Redis } from 'ioredis'
import { until } from '../stack/until.ts'
import { row } from './given.ts'
import { loadAccount } from './loaded-account.ts'

let server: RunningRedis
let redis: Redis
let ledger: Ledger
let take: () => Promise<Census>
beforeAll(async () => {
  server = await startRedis()
  redis = await connectRedis(server.url)
  ledger = createLedger(redis, { depletedBelow: toMicro(0) })
  take = createCensus(redis)
})
afterAll(async () => {
  await ledger.close()
  await server.stop()
})

test('an empty ledger has nothing of anything', async () => {
  expect(await take()).toEqual({
    receipts: 0,
    oldestReceiptMs: 0,
    dirtyAccounts: 0,
    holds: 0,
    overdueMs: 0,
    loadedAccounts: 0,
  })
})

test('accounts, holds and receipts of all shards are counted, and how long the oldest waits', async () => {
  const [ada] = await Promise.all(['ada', 'bob', 'cleo'].map((accountId) => loadAccount(ledger, accountId)))
  await ada!.reserve('alive')
  await ada!.reserve('settled')
  await ada!.settle('settled')
  const reading = await ledger.read('ada')
  if (reading.status !== 'loaded') throw new Error(reading.status)
  const id = chargeId(reading.nowMs, 'overdue')
  const overdue = { accountId: 'ada', id, amount: toMicro(5), minimum: toMicro(5), ttlMs: 1, row, levels: [] }
  await ledger.reserve(overdue, { lineage: 1, nowMs: reading.nowMs, found: null })
  const census = await until(async () => {
    const taken = await take()
    return taken.overdueMs > 0 && taken.oldestReceiptMs > 0 ? taken : undefined
  })
  expect(census).toMatchObject({ receipts: 1, holds: 2, dirtyAccounts: 3, loadedAccounts: 3 })
})

test('a scrape takes the census once, and its figures are gone while the ledger is away', async () => {
  const registry = new Registry()
  let taken = 0
  let away = false
  reportCensus(registry, async () => {
    if (away) throw new LedgerUnavailable('the ledger does not answer')
    taken += 1
    return take()
  })
  const text = await registry.metrics()
  expect(text).toContain('tollgate_holds 2\n')
  expect(text).toContain('tollgate_loaded_accounts 3\n')
  expect(taken).toBe(1)
  away = true
  expect(await registry.metrics()).not.toMatch(/^tollgate_/m)
  away = false
  expect(await registry.metrics()).toContain('tollgate_receipts_waiting 1\n')
})

test('each event and each kind of drift is there from the start, at zero', async () => {
  const registry = new Registry()
  const metrics = createReconcileMetrics(registry)
  expect(await registry.metrics()).toContain('tollgate_reconcile_events_total{event="journal_lost_commits"} 0\n')
  metrics.count('accounts_repaired', 2)
  metrics.drift({ where: 'ledger_rows', amount: -1_500_000, corrected: true })
  const text = await registry.metrics()
  expect(text).toContain('tollgate_reconcile_events_total{event="accounts_repaired"} 2\n')
  expect(text).toContain('tollgate_drift_credits_total{where="ledger_rows",direction="surplus"} 1.5\n')
  expect(text).toContain('tollgate_drift_credits_total{where="ledger_rows",direction="missing"} 0\n')
})
