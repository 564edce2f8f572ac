import { fork } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import { toMicro, zero } from '../../credits/money.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { type Ledger, createLedger } from '../../ledger/ledger.ts'
import { shardOf } from '../../ledger/keys.ts'
import { audit } from './audit.ts'
import { termsOf } from './given.ts'
import { createJournalDouble } from './journal-double.ts'
import type { RaceOrder, RaceResult } from './race-worker.ts'

const processes = 4
const workers = 40
const rounds = 6
const granted = toMicro(20_000)

let server: RunningRedis
let ledger: Ledger
beforeAll(async () => {
  server = await startRedis()
  ledger = createLedger(await connectRedis(server.url, { commandTimeoutMs: 30_000 }), { depletedBelow: zero })
})
afterAll(async () => {
  await ledger.close()
  await server.stop()
})

test('several processes racing for one scarce account, every call sent twice, never charge more than was granted', async () => {
  const accountId = 'race'
  await ledger.lock(accountId, 'race', 60_000)
  const terms = termsOf({ granted })
  await ledger.hydrate({
    accountId,
    token: 'race',
    lineage: 1,
    terms,
    epochs: [],
    budgets: [],
    held: zero,
    newestBirthMs: 0,
    journalNowMs: 0,
  })

  const results = await Promise.all(
    Array.from({ length: processes }, (_, index) =>
      race({ redisUrl: server.url, accountId, process: index, workers, rounds }),
    ),
  )

  const account = await ledger.snapshot(accountId)
  if (account.status !== 'loaded') throw new Error('the account is gone')
  expect(account.held).toBe(0)
  expect(account.spent).toBeLessThanOrEqual(granted)
  // Scarce indeed: some were refused, and nearly all that was granted is gone
  expect(sum(results, 'refused')).toBeGreaterThan(0)
  expect(account.spent).toBeGreaterThan(0.9 * granted)
  expect(sum(results, 'charged')).toBe(account.spent)
  // Sent twice, created once
  expect(sum(results, 'createdTwice')).toBe(0)
  expect(sum(results, 'settledTwice')).toBe(0)

  const receipts = (await ledger.receipts(shardOf(accountId), 100_000)).map(({ receipt }) => receipt)
  expect(new Set(receipts.map(({ id }) => id)).size).toBe(receipts.length)
  expect(receipts.reduce((total, { charged }) => total + charged, 0)).toBe(account.spent)
  const redis = await connectRedis(server.url, { commandTimeoutMs: 30_000 })
  await audit(redis, ledger, createJournalDouble(), [accountId])
  redis.disconnect()
})

function sum(results: readonly RaceResult[], name: keyof RaceResult): number {
  return results.reduce((total, result) => total + result[name], 0)
}

function race(order: RaceOrder): Promise<RaceResult> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./race-worker.ts', import.meta.url), [JSON.stringify(order)], { execArgv: [] })
    child.on('message', (result) => resolve(result as RaceResult))
    child.on('error', reject)
    child.on('exit', (code) => code !== 0 && reject(new Error(`a racing process ended with ${code}`)))
  })
}
