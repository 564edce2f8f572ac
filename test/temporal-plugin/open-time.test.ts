import { randomUUID } from 'node:crypto'
import type { WorkflowHandle, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client'
import type { Workflow } from '@temporalio/workflow'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { meteredCost } from '../../credits/metered-cost.ts'
import { creditsToMicro } from '../../credits/money.ts'
import { withAttribution } from '../../middleware/temporal/attribution.ts'
import { until } from '../stack/until.ts'
import { catalogueWithRuntime } from './charging.ts'
import { openStand, type Stand } from './stand.ts'
import { endlessReport, failedReport, sleepsAndContinues, stumbles, twoMails } from './workflows.ts'

let stand: Stand
const perMinute = creditsToMicro(1)

beforeAll(async () => {
  const policies = { ...catalogueWithRuntime.policies, runtime: 'open' } as const
  stand = await openStand({ catalogue: { ...catalogueWithRuntime, policies }, tasks: [] })
  await stand.startWorker()
})
afterAll(() => stand?.close())

async function start<W extends Workflow>(account: string, workflow: W, ...args: Parameters<W>) {
  return withAttribution({ account }, () =>
    stand.client.workflow.start(workflow, { taskQueue: stand.taskQueue, workflowId: randomUUID(), args } as never),
  ) as Promise<WorkflowHandleWithFirstExecutionRunId<W>>
}

async function openTimeOf(account: string) {
  const receipts = (await stand.receipts(account)).filter(({ row }) => row.startsWith('compute_runtime|'))
  expect(receipts.every(({ charged, quantities }) => charged === meteredCost(quantities.units, perMinute))).toBe(true)
  return { receipts, ms: receipts.reduce((sum, { quantities }) => sum + quantities.units, 0) }
}

/** From the first task of a run to its last, by the server's clock. */
async function ranMs(handle: WorkflowHandle): Promise<number> {
  const { events } = await handle.fetchHistory()
  const times = events!
    .filter(({ workflowTaskStartedEventAttributes: started }) => started != null)
    .map(({ eventTime }) => Number(eventTime!.seconds) * 1_000 + Math.floor(Number(eventTime!.nanos) / 1e6))
  return times.at(-1)! - times[0]!
}

test('waits are paid too, activities over each other and continued runs included, each ms once', async () => {
  const account = await stand.openAccount(10)
  const handle = await start(account, sleepsAndContinues, 1)
  await handle.result()
  const { receipts, ms } = await openTimeOf(account)
  const first = await ranMs(stand.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId))
  expect(receipts).toHaveLength(2)
  expect(ms).toBe(first + (await ranMs(stand.client.workflow.getHandle(handle.workflowId))))
})

test('a run that fails, or is cancelled, has been open all the same', async () => {
  const account = await stand.openAccount(10)
  const failed = await start(account, failedReport)
  await failed.result().catch(() => undefined)
  const endless = await start(account, endlessReport)
  await until(async () => (await endless.describe()).historyLength > 3)
  await endless.cancel()
  await endless.result().catch(() => undefined)
  expect((await openTimeOf(account)).ms).toBe((await ranMs(endless)) + (await ranMs(failed)))
})

test('a task that fails and is repeated bills no time twice', async () => {
  const account = await stand.openAccount(10)
  const handle = await start(account, stumbles, Date.now() + 1_500)
  await handle.result()
  expect((await openTimeOf(account)).ms).toBeLessThanOrEqual(await ranMs(handle))
})

test('the time that it is parked is free', async () => {
  const account = await stand.openAccount(0)
  const handle = await start(account, twoMails)
  await until(async () => (await stand.parkedRuns(account)) === 1)
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  await stand.grant(account, 10)
  await stand.wake(account)
  await handle.result()
  const ran = await ranMs(handle)
  expect(ran).toBeGreaterThan(1_000)
  expect((await openTimeOf(account)).ms).toBeLessThanOrEqual(ran - 1_000)
})
