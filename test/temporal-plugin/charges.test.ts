import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { type Client, WorkflowFailedError } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import type { ActivityInterceptorsFactory } from '@temporalio/worker'
import { afterAll, afterEach, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import type { Receipt } from '../../credits/receipt.ts'
import type { Gate } from '../../middleware/gate.ts'
import { withAttribution } from '../../middleware/temporal/attribution.ts'
import { until } from '../stack/until.ts'
import { createActivities } from './activities.ts'
import { catalogue } from './charging.ts'
import type { DyingWorker } from './dying-worker.ts'
import { openStand, type Stand } from './stand.ts'
import { bothAtOnce, callsActivity, localMails, waitsForever } from './workflows.ts'

let stand: Stand
let stops: (() => Promise<void>)[] = []

beforeAll(async () => {
  stand = await openStand({
    describe: (activity, args, result) => {
      if (activity === 'drawsImages') return { item: 'image.standard', units: result as number }
      if (args[0] === 'broken') return { units: 0.5 }
      return args[0] === 'gmail' ? { item: 'gmail' } : undefined
    },
  })
})
afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()))
  stops = []
})
afterAll(() => stand?.close())

const started = () => ({ taskQueue: stand.taskQueue, workflowId: randomUUID() })
const call = (account: string, name: string, args: unknown[] = [], client: Client = stand.client) =>
  withAttribution({ account, employee: 'bo', organization: 'acme', message: 'm1' }, () =>
    client.workflow.start(callsActivity, { ...started(), args: [name as 'sendMail', args] }),
  )
const work = async (...options: Parameters<Stand['startWorker']>) =>
  void stops.push(await stand.startWorker(...options))
const spent = (receipts: readonly Receipt[]) => receipts.filter(({ charged }) => charged > 0)

test('a success is charged once, with its employee, message, activity and price', async () => {
  await work()
  const account = await stand.openAccount(10)
  await (await call(account, 'sendMail', ['gmail'])).result()
  const receipts = await stand.receipts(account)
  expect(receipts).toHaveLength(1)
  expect(receipts[0]).toMatchObject({
    charged: 50_000,
    uncollected: 0,
    row: 'tool_calls|||gmail|bo|acme',
    quantities: { units: 1 },
    detail: {
      messageId: 'm1',
      pricedAs: 'sendMail',
      catalogueVersion: catalogue.version,
      outcome: 'finished',
      lines: [{ kind: 'fixed', quantity: 1, unit: 'call', rate: '50000', amount: 50_000 }],
    },
  })
  expect(receipts[0]!.windows.map((window) => window.split('|')[0])).toEqual(['organization:acme', 'employee:bo'])
})

test('what was delivered is charged, not what was ordered', async () => {
  await work()
  const account = await stand.openAccount(100)
  await (await call(account, 'drawsImages', [3])).result()
  expect(await stand.receipts(account)).toMatchObject([{ charged: 12_000_000, quantities: { units: 3 } }])
})

test('what was ordered is set aside before, so that all of it can be paid', async () => {
  const ordered = (_: string, args: readonly unknown[]) => args[0] as number
  await work({ plugins: [stand.newPlugin({ ordered })] })
  const account = await stand.openAccount(10)
  const handle = await call(account, 'drawsImages', [3])
  await until(async () => (await stand.parkedRuns(account)) === 1)
  expect(stand.seen.filter((seen) => seen.account === account)).toEqual([])
  await stand.grant(account, 2)
  await stand.wake(account)
  await handle.result()
  expect(await stand.receipts(account)).toMatchObject([{ charged: 12_000_000, uncollected: 0 }])
})

test('units that nobody can count are charged as one, and told of', async () => {
  await work()
  const account = await stand.openAccount(10)
  await (await call(account, 'sendMail', ['broken'])).result()
  expect(await stand.receipts(account)).toMatchObject([{ charged: 50_000 }])
  expect(stand.events.map(({ kind }) => kind)).toContain('describe_failed')
})

test('an activity that fails twice and then succeeds is charged once', async () => {
  await work()
  const account = await stand.openAccount(10)
  await (await call(account, 'failsTwice')).result()
  expect(spent(await stand.receipts(account))).toHaveLength(1)
  expect(await stand.remaining(account)).toBe(9_950_000)
})

test('also when each attempt is at another worker', async () => {
  const account = await stand.openAccount(10)
  await work({ plugins: [stand.newPlugin()] })
  const handle = await call(account, 'failsTwice')
  await until(async () => stand.seen.some((seen) => seen.account === account && seen.attempt === 1))
  await Promise.all(stops.map((stop) => stop()))
  await work({ plugins: [stand.newPlugin()] })
  await handle.result()
  expect(spent(await stand.receipts(account))).toHaveLength(1)
})

test('a failed activity costs nothing, and holds nothing', async () => {
  await work()
  const account = await stand.openAccount(10)
  await expect((await call(account, 'fails')).result()).rejects.toThrow(WorkflowFailedError)
  expect(spent(await stand.receipts(account))).toEqual([])
  expect(await stand.remaining(account)).toBe(10_000_000)
})

test('a cancelled activity costs nothing', async () => {
  await work()
  const account = await stand.openAccount(10)
  const handle = await withAttribution({ account }, () => stand.client.workflow.start(waitsForever, started()))
  await until(async () => stand.seen.some((seen) => seen.account === account))
  await handle.cancel()
  await expect(handle.result()).rejects.toThrow(WorkflowFailedError)
  expect(spent(await stand.receipts(account))).toEqual([])
})

test('a local activity is charged as any other', async () => {
  await work()
  const account = await stand.openAccount(10)
  await withAttribution({ account }, () => stand.client.workflow.execute(localMails, started()))
  expect(await stand.receipts(account)).toMatchObject([{ charged: 50_000 }])
})

test('parallel activities are charged each', async () => {
  await work()
  const account = await stand.openAccount(10)
  await withAttribution({ account }, () => stand.client.workflow.execute(bothAtOnce, started()))
  expect(spent(await stand.receipts(account))).toHaveLength(2)
})

describe('a worker that is killed', () => {
  test.each(['in the activity', 'after the charge'] as const)('%s: the work is charged once', async (dies) => {
    const account = await stand.openAccount(10)
    const parts: DyingWorker = {
      address: stand.address,
      redisUrl: inject('redisUrl'),
      taskQueue: stand.taskQueue,
      dies,
    }
    const program = fileURLToPath(new URL('./dying-worker.ts', import.meta.url))
    const child: ChildProcess = spawn(process.execPath, [program, JSON.stringify(parts)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const died = once(child, 'exit')
    const handle = await call(account, 'diesOnce')
    expect(await died).toEqual([null, 'SIGKILL'])
    await work()
    await handle.result()
    expect(spent(await stand.receipts(account))).toHaveLength(1)
    expect(await stand.remaining(account)).toBe(9_950_000)
  })
})

describe('what the catalogue says', () => {
  test('free activities run at zero and are on the books, over zero', async () => {
    await work()
    const account = await stand.openAccount(0)
    await (await call(account, 'searchWeb')).result()
    expect(await stand.receipts(account)).toMatchObject([
      { charged: 0, uncollected: 0, row: 'tool_calls|||searchWeb|bo|acme', detail: { messageId: 'm1' } },
    ])
  })

  test('what the gateway charges is left alone', async () => {
    await work()
    const account = await stand.openAccount(0)
    await (await call(account, 'asksModel')).result()
    expect(await stand.receipts(account)).toEqual([])
  })

  test('an unnamed activity is free, and told of once', async () => {
    await work()
    const account = await stand.openAccount(0)
    await (await call(account, 'unheardOf')).result()
    await (await call(account, 'unheardOf')).result()
    expect(await stand.receipts(account)).toEqual([])
    expect(stand.events.filter((event) => event.kind === 'unnamed_activity')).toEqual([
      { kind: 'unnamed_activity', name: 'unheardOf', policy: 'free' },
    ])
    expect(stand.plugin.counts().unnamed_activity).toBeGreaterThanOrEqual(2)
  })

  test('or charged as another, under its own name', async () => {
    const policies = { ...catalogue.policies, unknownActivity: 'connected_app.call' }
    await work({ plugins: [stand.newPlugin({ catalogue: { ...catalogue, policies } })] })
    const account = await stand.openAccount(10)
    await (await call(account, 'unheardOf')).result()
    expect(await stand.receipts(account)).toMatchObject([
      { charged: 50_000, row: 'tool_calls|||unheardOf|bo|acme', detail: { pricedAs: 'unheardOf' } },
    ])
  })

  test('or refused, if that is the policy', async () => {
    const policies = { ...catalogue.policies, unknownActivity: 'refuse' } as const
    await work({ plugins: [stand.newPlugin({ catalogue: { ...catalogue, policies } })] })
    const account = await stand.openAccount(10)
    const failure = await (await call(account, 'unheardOf')).result().catch((error: unknown) => error)
    expect(failure).toMatchObject({ cause: { cause: { type: 'ActivityNotPriced', nonRetryable: true } } })
    expect(stand.seen.filter((seen) => seen.account === account)).toEqual([])
  })
})

describe('at zero', () => {
  test('an activity of a run that is older than the plugin waits, and runs once there are credits', async () => {
    const account = await stand.openAccount(0)
    await work({ plugins: [stand.newPlugin({ attributionOfActivity: () => ({ account }) })] })
    const handle = await stand.bare.workflow.start(callsActivity, { ...started(), args: ['sendMail', ['one']] })
    const pending = await until(async () => (await handle.describe()).raw.pendingActivities?.find((a) => a.lastFailure))
    expect(pending.lastFailure).toMatchObject({
      message: 'credits_depleted: the activity waits for credits',
      applicationFailureInfo: { type: 'CreditsDepleted', nonRetryable: false, category: 1 },
    })
    expect(stand.seen.filter((seen) => seen.account === account)).toEqual([])
    await stand.grant(account, 10)
    await handle.result()
    expect(spent(await stand.receipts(account))).toHaveLength(1)
  })

  test('less than the price is not enough, and an unknown account is nobody to wait for', async () => {
    await work()
    const account = await stand.openAccount(0.02)
    const handle = await call(account, 'sendMail')
    await until(async () => (await stand.parkedRuns(account)) === 1)
    await handle.terminate()
    const failure = await (await call('nobody', 'sendMail')).result().catch((error: unknown) => error)
    expect(failure).toMatchObject({ cause: { cause: { type: 'AccountUnknown' } } })
  })
})

describe('while the ledger does not answer', () => {
  /** The gate as it is when Redis is away for the first `refusals` questions. */
  const away = (refusals: number): Gate['open'] => {
    let left = refusals
    return (request) =>
      left-- > 0
        ? Promise.resolve({ ok: false, refusal: { kind: 'ledger_unavailable', reason: 'away' } })
        : stand.charges.open(request)
  }

  test('an activity waits, by default, also of a run that is older than the plugin', async () => {
    const account = await stand.openAccount(10)
    const charges = { ...stand.charges, open: away(1) }
    await work({ plugins: [stand.newPlugin({ charges, attributionOfActivity: () => ({ account }) })] })
    const handle = await stand.bare.workflow.start(callsActivity, { ...started(), args: ['sendMail', ['one']] })
    const pending = await until(async () => (await handle.describe()).raw.pendingActivities?.find((a) => a.lastFailure))
    expect(pending.lastFailure?.applicationFailureInfo?.type).toBe('LedgerUnavailable')
    expect(stand.seen.filter((seen) => seen.account === account)).toEqual([])
    await handle.result()
    expect(spent(await stand.receipts(account))).toHaveLength(1)
  })

  test('or goes on, and is charged all the same', async () => {
    const account = await stand.openAccount(10)
    const charges = { ...stand.charges, open: away(1) }
    await work({ plugins: [stand.newPlugin({ charges, whenUnavailable: 'goOn' })] })
    await (await call(account, 'sendMail')).result()
    expect(spent(await stand.receipts(account))).toHaveLength(1)
    expect(stand.events).toContainEqual({ kind: 'went_on_unasked', name: 'sendMail', reason: 'away' })
  })

  test('a success that nobody heard of is not charged again when the ledger is back', async () => {
    const account = await stand.openAccount(10)
    const charges = { ...stand.charges, open: away(1) }
    /** Loses the first answer of each activity, after it was charged. */
    const losesFirst: ActivityInterceptorsFactory = ({ info }) => ({
      inbound: {
        execute: async (input, next) => {
          const result = await next(input)
          if (info.attempt === 1) throw new ApplicationFailure('the answer was lost')
          return result
        },
      },
    })
    const plugin = stand.newPlugin({ charges, whenUnavailable: 'goOn' })
    const { interceptors = {}, activities } = plugin.configureWorker({
      taskQueue: stand.taskQueue,
      activities: createActivities(stand.seen),
    })
    await work({
      plugins: [],
      activities: activities!,
      interceptors: { activity: [losesFirst, ...interceptors.activity!] },
    })
    await (await call(account, 'sendMail')).result()
    expect(stand.seen.filter((seen) => seen.account === account)).toHaveLength(2)
    expect(spent(await stand.receipts(account))).toHaveLength(1)
  })
})
