import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { AiSdkPlugin } from '@temporalio/ai-sdk'
import {
  bundleWorkflowCode,
  DefaultLogger,
  type WorkerOptions,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker'
import type { Workflow } from '@temporalio/workflow'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Receipt } from '../../credits/receipt.ts'
import { createTollgateProvider } from '../../middleware/ai-sdk.ts'
import type { Fetch } from '../../middleware/model-fetch.ts'
import { withAttribution } from '../../middleware/temporal/attribution.ts'
import { openStand as openGateway, type Stand as Gateway } from '../gateway/stand.ts'
import { until } from '../stack/until.ts'
import { catalogue } from '../temporal-plugin/charging.ts'
import { openStand, type Stand } from '../temporal-plugin/stand.ts'
import { createModelActivities } from './activities.ts'
import { asks, asksThenDraws, generates, streams } from './workflows.ts'

const serviceKey = `service-${randomUUID()}`
const names = ['asksOpenAI', 'asksAiSdk', 'asksThenDraws', 'invokeModel', 'invokeModelStreaming'] as const
let gateway: Gateway
let stand: Stand
let losing: number
beforeAll(async () => {
  gateway = await openGateway({ change: { serviceKey } })
  const models = names.map((name) => ({ name, chargedBy: 'gateway' as const }))
  stand = await openStand({ catalogue: { ...catalogue, activities: [...catalogue.activities, ...models] } })
  losing = 0
}, 120_000)
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})
afterAll(async () => {
  await stand?.close()
  await gateway?.close()
})

/** Answers so many calls, and loses the answers on their way. */
const lossy: Fetch = async (input, init) => {
  const response = await fetch(input, init)
  if (losing === 0) return response
  losing -= 1
  await response.text()
  throw new Error('the connection was lost')
}

type Order = 'ours first' | 'ours last'
const bundles = new Map<Order, WorkflowBundleWithSourceMap>()

async function work(order: Order): Promise<void> {
  const at = { baseURL: `${gateway.url}/v1`, apiKey: serviceKey }
  const aiSdk = new AiSdkPlugin({ modelProvider: createTollgateProvider({ ...at, fetch: lossy }) })
  const plugins: NonNullable<WorkerOptions['plugins']> =
    order === 'ours first' ? [stand.plugin, aiSdk] : [aiSdk, stand.plugin]
  const workflowBundle =
    bundles.get(order) ??
    (await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
      plugins,
      logger: new DefaultLogger('ERROR'),
    }))
  bundles.set(order, workflowBundle)
  stops.push(await stand.startWorker({ workflowBundle, plugins, activities: createModelActivities(at) }))
}

function start<W extends Workflow>(account: string, message: string, workflow: W, ...args: Parameters<W>) {
  return withAttribution({ account, organization: 'acme', employee: 'bo', message }, () =>
    stand.client.workflow.start(workflow, { taskQueue: stand.taskQueue, workflowId: randomUUID(), args } as never),
  )
}

async function receiptsOf(account: string): Promise<readonly Pick<Receipt, 'row' | 'charged'>[]> {
  await gateway.gate.settled()
  return stand.receipts(account)
}

describe('model calls of activities', () => {
  test.each(['asksOpenAI', 'asksAiSdk'] as const)(
    'are booked to their runs, side by side, and once though the activity is retried: %s',
    async (by) => {
      await work('ours first')
      const accounts = await Promise.all([stand.openAccount(100), stand.openAccount(100)])
      const before = gateway.upstream.calls.length
      const runs = await Promise.all(
        accounts.flatMap((account) => [1, 2, 3].map((run) => start(account, `m-${run}`, asks, by, 4 + run, 3))),
      )
      const words = await Promise.all(runs.map((run) => run.result()))
      expect(words.every((each) => typeof each === 'string' && each !== '')).toBe(true)
      expect(gateway.upstream.calls).toHaveLength(before + 12)
      const purpose = by === 'asksOpenAI' ? 'safety' : 'memory'
      for (const account of accounts) {
        const receipts = await receiptsOf(account)
        expect(receipts.map(({ row }) => row).toSorted((a, b) => a.localeCompare(b))).toEqual([
          ...Array(3).fill('ai_usage|fast|mock/plain||bo|acme'),
          ...Array(3).fill(`internal|fast|mock/plain|${purpose}|bo|acme`),
        ])
        const ofMessages = (await stand.receipts(account)).map(({ detail }) => detail?.messageId)
        expect(new Set(ofMessages)).toEqual(new Set(['m-1', 'm-2', 'm-3']))
      }
    },
  )

  test('that are refused park their run, which goes on after a grant and does not pay again for what was answered before', async () => {
    await work('ours first')
    const account = await stand.openAccount(1)
    const run = await start(account, 'm-1', asksThenDraws, 5)
    await until(async () => (await stand.parkedRuns(account)) === 1)
    const words = (await receiptsOf(account)).map(({ charged }) => charged)
    expect(words).toHaveLength(1)
    await stand.grant(account, 10)
    await stand.wake(account)
    expect(await run.result()).not.toBe('')
    expect((await receiptsOf(account)).map(({ charged }) => charged)).toEqual([...words, 4_000_000])
  })
})

describe.each(['ours first', 'ours last'] as const)('beside the integration of the AI SDK, %s', (order) => {
  test('calls from workflow code are charged to the run, also when their activity is retried', async () => {
    await work(order)
    const account = await stand.openAccount(100)
    losing = 1
    const generated = await start(account, 'm-1', generates, { tokens: 5 })
    expect(await generated.result()).not.toBe('')
    const streamed = await start(account, 'm-2', streams, { tokens: 7 })
    expect(await streamed.result()).not.toBe('')
    expect(losing).toBe(0)
    expect((await receiptsOf(account)).map(({ row }) => row)).toEqual([
      'internal|fast|mock/plain|safety|bo|acme',
      'ai_usage|fast|mock/plain||bo|acme',
    ])
  })

  test('a run out of credits parks, in the middle of a stream too', async () => {
    await work(order)
    for (const [workflow, credits] of [
      [generates, 0],
      [streams, 1],
    ] as const) {
      const account = await stand.openAccount(credits)
      const run = await start(account, 'm-1', workflow, { tokens: 1_500 })
      await until(async () => (await stand.parkedRuns(account)) === 1)
      await stand.grant(account, 100)
      await stand.wake(account)
      expect(await run.result()).not.toBe('')
    }
  })
})
