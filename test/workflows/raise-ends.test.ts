import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Terms } from '../../credits/terms.ts'
import { until } from '../stack/until.ts'
import { credits } from './catalogue.ts'
import { newAccountId, signUpOf } from './stand.ts'
import { openTimeSkippingStand, type TimeSkippingStand } from './time-skipping-stand.ts'

let stand: TimeSkippingStand
const put = new Map<string, Terms>()

beforeAll(async () => {
  stand = await openTimeSkippingStand(() => ({
    putTerms: async (accountId, terms) => void put.set(accountId, terms),
  }))
})
afterAll(() => stand?.close())

test('a temporary raise ends by itself, and the ledger is told; a shorter one takes its place', async () => {
  const { env, accounts } = stand
  const accountId = newAccountId()
  const level = 'employee:ada'
  await accounts.signUp(signUpOf(accountId))
  await accounts.saveBudget(accountId, { level, limit: credits(10), window: 'day', atLimit: 'pause' })
  const nowMs = await env.currentTimeMs()
  const hourMs = 3_600_000
  await accounts.raiseBudget(accountId, { level, limit: credits(50), untilMs: nowMs + 48 * hourMs })
  await accounts.raiseBudget(accountId, { level, limit: credits(30), untilMs: nowMs + 24 * hourMs })
  await until(async () => put.get(accountId)?.budgets[0]?.limit === credits(30))
  const [raised] = put.get(accountId)!.card.budgets!
  expect(raised).toMatchObject({ raisedUntilMs: nowMs + 24 * hourMs })
  await env.sleep(25 * hourMs)
  await until(async () => put.get(accountId)?.budgets[0]?.limit === credits(10))
  const [budget] = put.get(accountId)!.card.budgets!
  expect(budget!.raisedUntilMs).toBeNull()
  expect(budget!.version).toBeGreaterThan(raised!.version)
})
