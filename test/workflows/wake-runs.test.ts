import { MockActivityEnvironment } from '@temporalio/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWakeRuns } from '../../activities/wake-runs.ts'
import { type ParkedRun, parseWaiter, resumeSignal, waiterOf } from '../../credits/parked-run.ts'
import { systemClock } from '../../middleware/clock.ts'
import type { Accounts } from '../../middleware/accounts.ts'
import { createWakeRun } from '../../middleware/wake-run.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import { credits } from './catalogue.ts'
import { type LedgerStand, openLedgerStand, silent } from './ledger-stand.ts'
import { newAccountId, openStand, signUpOf, type Stand } from './stand.ts'

let stand: Stand
let parts: LedgerStand
let accounts: Accounts

beforeAll(async () => {
  ;[stand, parts] = await Promise.all([openStand(), openLedgerStand()])
  accounts = parts.live(stand.accounts).accounts
  await stand.startWorker(parts.activities(stand.accounts))
})
afterAll(async () => {
  await stand.close()
  await parts.close()
})

/** An account with the welcome bonus, too little for whoever waits for it. */
async function account(): Promise<string> {
  const accountId = newAccountId()
  expect(await accounts.signUp(signUpOf(accountId))).toMatchObject({ ok: true })
  return accountId
}

const wait = (accountId: string, run: ParkedRun) =>
  parts.ledger.wait({ accountId, waiter: waiterOf(run), need: credits(1500) })

const grant = (accountId: string) =>
  accounts.grant(accountId, {
    id: 'pack-1',
    source: 'pack',
    amount: credits(5000),
    resets: true,
    detail: '',
    by: 'test',
  })

async function pass(wakeRun: ActivityDeps['wakeRun']): Promise<void> {
  const wake = createWakeRuns({ ledger: parts.ledger, clock: systemClock, log: silent, wakeRun })
  await new MockActivityEnvironment().run(wake, { from: 0, to: 255, roundMs: 0 })
}

test('a grant wakes a parked run by its signal, once', async () => {
  const accountId = await account()
  // Any run will do: what the signal does to one that is parked is the plugin's.
  const handle = stand.client.workflow.getHandle(`credits-account/${accountId}`)
  const { runId } = await handle.describe()
  const run = { namespace: 'default', workflowId: handle.workflowId, runId }
  expect(await wait(accountId, run)).toEqual({ status: 'waiting' })
  const wakeRun = createWakeRun(stand.client.connection)
  await pass(wakeRun)
  expect(await grant(accountId)).toMatchObject({ ok: true })
  await pass(wakeRun)
  await pass(wakeRun)
  const { events } = await handle.fetchHistory()
  const signals = (events ?? []).filter(
    ({ workflowExecutionSignaledEventAttributes: signal }) => signal?.signalName === resumeSignal,
  )
  expect(signals).toHaveLength(1)
})

test('a run that has ended by other means is nobody to wake', async () => {
  const wakeRun = createWakeRun(stand.client.connection)
  expect(await wakeRun({ namespace: 'default', workflowId: 'nobody', runId: '' })).toBe('gone')
})

test('a Temporal that is away for a moment is told again', async () => {
  const accountId = await account()
  const run = { namespace: 'default', workflowId: 'parked', runId: 'one' }
  await wait(accountId, run)
  await grant(accountId)
  const told: ParkedRun[] = []
  await pass(async (parked) => {
    told.push(parked)
    if (told.length < 3) throw new Error('away')
    return 'woken'
  })
  expect(told).toEqual([run, run, run])
})

test('a waiter that nobody wrote is told of, and keeps no other waiting', async () => {
  expect(parseWaiter('{')).toBeNull()
  expect(parseWaiter('["one"]')).toBeNull()
  const accountId = await account()
  await parts.ledger.wait({ accountId, waiter: 'not a run', need: credits(1500) })
  await wait(accountId, { namespace: 'default', workflowId: 'parked', runId: 'two' })
  await grant(accountId)
  const told: string[] = []
  await pass(async ({ runId }) => {
    told.push(runId)
    return 'woken'
  })
  expect(told).toEqual(['two'])
})
