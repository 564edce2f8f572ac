import { MockActivityEnvironment, type TestWorkflowEnvironment } from '@temporalio/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Drift } from '../../activities/deps.ts'
import { remainingOf } from '../../credits/balance.ts'
import { accountWorkflowId } from '../../credits/account/messages.ts'
import { chargeId } from '../../credits/charge-id.ts'
import { rowKey } from '../../credits/usage-row.ts'
import { shardOf } from '../../ledger/keys.ts'
import type { Accounts } from '../../middleware/accounts.ts'
import type { AccountLoader } from '../../middleware/load-account.ts'
import { appRow, hold, type LedgerStand, openLedgerStand, settle, spend } from './ledger-stand.ts'
import { credits } from './catalogue.ts'
import { newAccountId, signUpOf } from './stand.ts'
import { openTimeSkippingStand, type TimeSkippingStand } from './time-skipping-stand.ts'
import { until } from '../stack/until.ts'

let env: TestWorkflowEnvironment
let parts: LedgerStand
let accounts: Accounts
let loader: AccountLoader
let stand: TimeSkippingStand

beforeAll(async () => {
  parts = await openLedgerStand()
  stand = await openTimeSkippingStand((workflowAccounts) => parts.activities(workflowAccounts))
  env = stand.env
  ;({ accounts, loader } = parts.live(stand.accounts))
})
afterAll(async () => {
  await stand?.close()
  await parts.close()
})

async function account(): Promise<string> {
  const accountId = newAccountId()
  await accounts.signUp(signUpOf(accountId))
  await loader.load(accountId)
  return accountId
}

const pass = (name: 'drainReceipts' | 'reconcileAccounts') =>
  new MockActivityEnvironment().run(parts.activities(accounts)[name], { from: 0, to: 255, roundMs: 1 })
const reading = async (accountId: string) => {
  const answer = await parts.ledger.read(accountId)
  if (answer.status !== 'loaded') throw new Error(answer.status)
  return answer
}
const view = async (accountId: string) => {
  const answer = await accounts.view(accountId)
  if (!answer.ok) throw new Error(answer.code)
  return answer.view
}

test('a period ends with a call still running and charges not yet reported: nothing is given out twice', async () => {
  const accountId = await account()
  await accounts.grant(accountId, {
    id: 'pack',
    source: 'pack',
    amount: credits(100),
    resets: true,
    detail: '',
    by: 'test',
  })
  const running = await hold(parts.ledger, accountId, credits(50))
  // 80 of the pack, unreported when the period ends; then the call takes the other 20 and 10 of the bonus.
  await spend(parts.ledger, accountId, credits(80))

  await env.sleep('32 days')
  await until(async () => (await reading(accountId)).epoch === 2)
  // The hold may take 30 of the bonus: the ledger knows that better than the terms do.
  expect(remainingOf(await reading(accountId))).toBeLessThanOrEqual(credits(1000))
  await settle(parts.ledger, accountId, running, credits(30))
  await spend(parts.ledger, accountId, credits(1))
  expect(remainingOf(await reading(accountId))).toBe(credits(989))

  await parts.aged()
  await pass('reconcileAccounts')
  expect(await view(accountId)).toMatchObject({
    terms: { epoch: 2, used: credits(10), earlier: [{ epoch: 1, free: credits(100), counted: credits(110) }] },
    periods: [{ spent: credits(1) }, { spent: credits(110), closed: false }],
  })
  expect(remainingOf(await reading(accountId))).toBe(credits(989))

  // Once the journal has all of the first period, it leaves Redis and is closed.
  await pass('drainReceipts')
  await spend(parts.ledger, accountId, credits(1))
  await pass('drainReceipts')
  await parts.aged()
  await pass('reconcileAccounts')
  const archived = { ...appRow, employee: '' }
  expect(await view(accountId)).toMatchObject({
    terms: { used: credits(10), earlier: [] },
    periods: [
      { spent: credits(2) },
      { closed: true, spent: credits(110), rows: { [rowKey(archived)]: { charged: credits(110) } } },
    ],
  })
  expect(await reading(accountId)).toMatchObject({ epoch: 2, earlier: [] })
  expect(remainingOf(await reading(accountId))).toBe(credits(988))

  // A receipt of it reaches the journal after all: the archive takes it, and what it cost beyond the pack.
  const [first] = await parts.journal.receiptsAfter(accountId, 0, 1)
  await parts.journal.storeReceipts([
    { ...first!, id: chargeId(Date.now(), 'late'), epoch: 1, n: 1, charged: credits(5), windows: [] },
  ])
  const drifts: Drift[] = []
  const check = () =>
    new MockActivityEnvironment().run(
      parts.activities(accounts, { drift: (drift) => void drifts.push(drift) }).checkAccounts,
      { from: shardOf(accountId), to: shardOf(accountId), roundMs: 1 },
    )
  await check()
  await check()
  expect(await view(accountId)).toMatchObject({
    terms: { used: credits(15) },
    periods: [{ spent: credits(2) }, { closed: true, spent: credits(115) }],
  })
  expect(drifts).toEqual([{ where: 'archive', amount: credits(5), corrected: true }])
  expect(remainingOf(await reading(accountId))).toBe(credits(983))
})

test('periods missed altogether grant one allowance', async () => {
  const accountId = await account()
  await accounts.setPlan(accountId, { plan: 'pro', by: 'op' })
  await env.sleep('65 days')
  await until(async () => (await reading(accountId)).epoch === 3)
  expect(remainingOf(await reading(accountId))).toBe(credits(11_000))
  const history = await env.client.workflow.getHandle(accountWorkflowId(accountId)).fetchHistory()
  const timers = history.events?.filter((event) => event.timerFiredEventAttributes) ?? []
  expect(timers).toHaveLength(2)
})
