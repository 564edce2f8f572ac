import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Receipt } from '../../credits/receipt.ts'
import { withAttribution } from '../../middleware/temporal/attribution.ts'
import { until } from '../stack/until.ts'
import { type Busy, createActivities } from './activities.ts'
import { catalogueWithRuntime } from './charging.ts'
import { openStand, type Stand } from './stand.ts'
import { callsActivity, overlaps } from './workflows.ts'

let stand: Stand
let busy: Busy[] = []
let stop: () => Promise<void>

beforeAll(async () => {
  stand = await openStand({ catalogue: catalogueWithRuntime })
})
afterEach(async () => {
  await stop()
  busy = []
})
afterAll(() => stand?.close())

async function work(): Promise<void> {
  stop = await stand.startWorker({ activities: createActivities(stand.seen, busy) })
}

const startedIn = () => ({ taskQueue: stand.taskQueue, workflowId: randomUUID() })
const as = <T>(account: string, run: () => Promise<T>): Promise<T> =>
  withAttribution({ account, employee: 'bo', organization: 'acme', message: 'm1' }, run)

/** The account's runtime, once its last receipt is there. */
async function runtimeOf(account: string): Promise<readonly Receipt[]> {
  let found: readonly Receipt[] = []
  await until(async () => {
    found = (await stand.receipts(account)).filter(({ row }) => row.startsWith('compute_runtime|'))
    return found.length > 0
  })
  return found
}

const msOf = (receipts: readonly Receipt[]): number =>
  receipts.reduce((sum, { quantities }) => sum + quantities.units, 0)

/** For how long at least one of them was under way. */
function unionOf(intervals: readonly Busy[]): number {
  let total = 0
  let end = 0
  for (const { fromMs, toMs } of intervals.toSorted((a, b) => a.fromMs - b.fromMs)) {
    total += Math.max(0, toMs - Math.max(fromMs, end))
    end = Math.max(end, toMs)
  }
  return total
}

test('activities over each other are billed as their union, waits in between not at all', async () => {
  await work()
  const account = await stand.openAccount(10)
  await as(account, () => stand.client.workflow.execute(overlaps, startedIn()))
  expect(busy).toHaveLength(4)
  const truth = unionOf(busy)
  const sum = busy.reduce((total, { fromMs, toMs }) => total + toMs - fromMs, 0)
  expect(sum - truth).toBeGreaterThan(400)
  await until(async () => Math.abs(msOf(await runtimeOf(account)) - truth) <= 150)
  const receipts = await runtimeOf(account)
  for (const receipt of receipts) {
    expect(receipt).toMatchObject({ row: 'compute_runtime||||bo|acme', uncollected: 0, detail: { messageId: 'm1' } })
    expect(receipt.charged).toBe(Math.ceil((receipt.quantities.units * 1_000_000) / 60_000))
  }
})

test('time between two attempts is free', async () => {
  await work()
  const account = await stand.openAccount(10)
  const beganMs = Date.now()
  await as(account, () => stand.client.workflow.execute(callsActivity, { ...startedIn(), args: ['failsTwice', []] }))
  const tookMs = Date.now() - beganMs
  // Three attempts, 50 ms apart.
  expect(msOf(await runtimeOf(account))).toBeLessThanOrEqual(tookMs - 100)
})

test('at zero an activity does not begin, and begins when there are credits again', async () => {
  await work()
  const account = await stand.openAccount(0)
  const handle = await as(account, () =>
    stand.client.workflow.start(callsActivity, { ...startedIn(), args: ['busy', [10]] }),
  )
  await until(async () => (await stand.parkedRuns(account)) === 1)
  expect(busy).toEqual([])
  await stand.grant(account, 10)
  await stand.wake(account)
  await handle.result()
  expect(busy).toHaveLength(1)
  expect(msOf(await runtimeOf(account))).toBeGreaterThan(0)
})

test('a run waits for what its step costs, not only for the time that it takes', async () => {
  await work()
  const account = await stand.openAccount(0)
  const start = () =>
    as(account, () => stand.client.workflow.start(callsActivity, { ...startedIn(), args: ['drawsImages', [1]] }))
  const first = await start()
  await until(async () => (await stand.parkedRuns(account)) === 1)
  const second = await start()
  await until(async () => (await stand.parkedRuns(account)) === 2)
  await stand.grant(account, 5)
  await stand.wake(account)
  await first.result()
  expect(await stand.parkedRuns(account)).toBe(1)
  await second.terminate()
})

test('a run waits for what its time sets aside too, and is not refused over and over', async () => {
  await work()
  const account = await stand.openAccount(4.02)
  const handle = await as(account, () =>
    stand.client.workflow.start(callsActivity, { ...startedIn(), args: ['drawsImages', [1]] }),
  )
  await until(async () => (await stand.parkedRuns(account)) === 1)
  await stand.grant(account, 1)
  await stand.wake(account)
  await handle.result()
  const { events } = await handle.fetchHistory()
  expect(events!.filter((event) => event.activityTaskFailedEventAttributes)).toHaveLength(1)
})

test('what is done for nobody runs under no meter', async () => {
  await work()
  await stand.bare.workflow.execute(callsActivity, { ...startedIn(), args: ['busy', [10]] })
  expect(busy).toHaveLength(1)
})
