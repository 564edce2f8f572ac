import { randomUUID } from 'node:crypto'
import { Client, Connection, type WorkflowClientInterceptor } from '@temporalio/client'
import { SimplePlugin } from '@temporalio/plugin'
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withAttribution } from '../../middleware/temporal/attribution.ts'
import { TollgatePlugin } from '../../middleware/temporal/plugin.ts'
import { createActivities } from './activities.ts'
import { catalogue } from './charging.ts'
import { openStand, type Stand } from './stand.ts'
import { workflowsPath } from './workflows-path.ts'
import { callsActivity, localMails, mails, report } from './workflows.ts'

let stand: Stand

beforeAll(async () => {
  stand = await openStand()
})
afterAll(() => stand?.close())

/** One run of a workflow with a worker of its own; answers what was charged. */
async function chargedBy(
  options: Partial<WorkerOptions>,
  start: (taskQueue: string) => Promise<unknown>,
): Promise<readonly number[]> {
  const account = await stand.openAccount(10)
  const taskQueue = `plugin-${randomUUID()}`
  const stop = await stand.startWorker({ taskQueue, ...options })
  try {
    await withAttribution({ account }, () => start(taskQueue))
    return (await stand.receipts(account)).map(({ charged }) => charged)
  } finally {
    await stop()
  }
}

const startWith = (client: Client) => (taskQueue: string) =>
  client.workflow.execute(mails, { taskQueue, workflowId: randomUUID() })

describe('installed twice it charges once', () => {
  test('on connection and worker, on connection and client', async () => {
    const { plugin, address } = stand
    const connection = await Connection.connect({ address, plugins: [plugin] })
    const native = await NativeConnection.connect({ address, plugins: [plugin] })
    const client = new Client({ connection, plugins: [plugin] })
    expect(await chargedBy({ connection: native, plugins: [plugin] }, startWith(client))).toEqual([50_000])
    await Promise.all([connection.close(), native.close()])
  })

  test('on the connections alone', async () => {
    const { plugin, address } = stand
    const connection = await Connection.connect({ address, plugins: [plugin] })
    const native = await NativeConnection.connect({ address, plugins: [plugin] })
    const client = new Client({ connection })
    expect(await chargedBy({ connection: native, plugins: [] }, startWith(client))).toEqual([50_000])
    await Promise.all([connection.close(), native.close()])
  })

  test('as two instances in one list', async () => {
    const plugins = [stand.plugin, stand.newPlugin()]
    expect(await chargedBy({ plugins }, startWith(stand.client))).toEqual([50_000])
  })

  test('and stands in every list once, so that no activity asks the ledger twice', () => {
    const options = { taskQueue: 'any', workflowsPath }
    const once = stand.plugin.configureWorker(options)
    const { interceptors } = stand.newPlugin().configureWorker(once)
    expect(interceptors?.activity).toHaveLength(1)
    expect(interceptors?.workflowModules).toHaveLength(1)
    const client = stand.plugin.configureClient(stand.newPlugin().configureClient({}))
    expect(client.interceptors?.schedule).toHaveLength(1)
    expect(client.interceptors?.workflow).toHaveLength(1)
    const bundled = stand.plugin.configureBundler(stand.newPlugin().configureBundler(options))
    expect(bundled.workflowInterceptorModules).toHaveLength(1)
  })
})

describe('what others have installed is kept', () => {
  test.each(['before', 'after'] as const)('another plugin that stands %s it', async (place) => {
    const ran: string[] = []
    const other = new SimplePlugin({
      name: 'other',
      activities: { added: async () => 'added' },
      workerInterceptors: {
        activity: [() => ({ inbound: { execute: (input, next) => (ran.push('activity'), next(input)) } })],
      },
      clientInterceptors: {
        workflow: [{ startWithDetails: (input, next) => (ran.push('client'), next(input)) }],
      },
    })
    const plugins = place === 'before' ? [other, stand.plugin] : [stand.plugin, other]
    const client = new Client({ connection: stand.bare.connection, plugins })
    expect(await chargedBy({ plugins }, startWith(client))).toEqual([50_000])
    expect(ran).toEqual(['client', 'activity'])
  })

  test('interceptors of the worker, those of the old kind included', async () => {
    const ran: string[] = []
    const interceptors: WorkerOptions['interceptors'] = {
      activityInbound: [() => ({ execute: (input, next) => (ran.push('old'), next(input)) })],
      activity: [() => ({ inbound: { execute: (input, next) => (ran.push('new'), next(input)) } })],
    }
    expect(await chargedBy({ interceptors }, startWith(stand.client))).toEqual([50_000])
    expect(ran).toEqual(['old', 'new'])
  })

  test('interceptors of the client, of every key and of the old kind', () => {
    const activity = [{}]
    const nexus = [{}]
    const workflow: WorkflowClientInterceptor = {}
    const modern = stand.plugin.configureClient({ interceptors: { workflow: [workflow], activity, nexus } })
    expect(modern.interceptors).toMatchObject({ activity, nexus })
    expect((modern.interceptors!.workflow as unknown[])[0]).toBe(workflow)
    const factory = () => ({})
    const old = stand.plugin.configureClient({ interceptors: { workflow: { calls: [factory] } } })
    expect((old.interceptors!.workflow as { calls: unknown[] }).calls).toEqual([factory, expect.any(Function)])
  })

  test('activities that are an instance of a class', async () => {
    class Mails {
      readonly #greeting = 'sent'
      readonly localMail = async (text: string): Promise<string> => `${this.#greeting} ${text}`
      async sendMail(text: string): Promise<string> {
        return `${this.#greeting} ${text}`
      }
    }
    const charged = await chargedBy({ activities: new Mails() }, async (taskQueue) => {
      expect(await startWith(stand.client)(taskQueue)).toBe('sent one')
      const options = { taskQueue, workflowId: randomUUID() }
      expect(await stand.client.workflow.execute(localMails, options)).toBe('sent near')
    })
    expect(charged).toEqual([50_000, 50_000])
  })
})

describe('where the workflow side is missing', () => {
  test('a bundle that was made without the plugin is told of once, and nothing of it is charged', async () => {
    const bundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') })
    const plugin = stand.newPlugin()
    const told = stand.events.length
    const charged = await chargedBy({ workflowBundle: bundle, plugins: [plugin] }, async (taskQueue) => {
      await startWith(stand.client)(taskQueue)
      await startWith(stand.client)(taskQueue)
    })
    expect(charged).toEqual([])
    expect(stand.events.slice(told)).toEqual([
      { kind: 'workflow_side_missing', workflowType: 'mails' },
      { kind: 'unattributed', name: 'sendMail' },
    ])
    expect(plugin.counts()).toMatchObject({ workflow_side_missing: 2, unattributed: 2 })
  })

  test('its runs can be attributed by what else is known of them', async () => {
    const bundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') })
    const account = await stand.openAccount(10)
    const plugin = stand.newPlugin({
      attributionOfActivity: ({ workflowId, activityType, workflowType, args }) =>
        activityType === 'sendMail' && workflowType === 'callsActivity' && args[0] === 'hello'
          ? { account: workflowId.split('/')[0]! }
          : undefined,
    })
    const taskQueue = `plugin-${randomUUID()}`
    const stop = await stand.startWorker({ taskQueue, workflowBundle: bundle, plugins: [plugin] })
    await stand.bare.workflow.execute(callsActivity, {
      taskQueue,
      workflowId: `${account}/${randomUUID()}`,
      args: ['sendMail', ['hello']],
    })
    await stop()
    expect(await stand.receipts(account)).toMatchObject([{ charged: 50_000 }])
  })

  test('a worker that bundles by itself takes it in', async () => {
    const taskQueue = `plugin-${randomUUID()}`
    const native = await NativeConnection.connect({ address: stand.address })
    const worker = await Worker.create({
      connection: native,
      taskQueue,
      workflowsPath,
      activities: createActivities([]),
      plugins: [stand.plugin],
    })
    const account = await stand.openAccount(10)
    await worker.runUntil(
      withAttribution({ account }, () =>
        stand.client.workflow.execute(report, { taskQueue, workflowId: randomUUID() }),
      ),
    )
    await native.close()
    expect(await stand.receipts(account)).toMatchObject([{ charged: 250_000 }])
  })
})

test('a process that only has clients needs no ledger, and a worker does', async () => {
  const plugin = new TollgatePlugin({ catalogue })
  expect(plugin.configureClient({}).interceptors?.schedule).toHaveLength(1)
  expect(() => plugin.configureWorker({ taskQueue: 'any' })).toThrow('a worker needs a TollgatePlugin with charges')
})

test('a catalogue without a price of tasks is refused at the start', () => {
  const activities = catalogue.activities.filter(({ name }) => name !== 'task.completed')
  expect(() => new TollgatePlugin({ catalogue: { ...catalogue, activities } })).toThrow('no price of task.completed')
})
