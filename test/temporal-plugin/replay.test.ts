import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { WorkflowHandle } from '@temporalio/client'
import type { Workflow } from '@temporalio/workflow'
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkflowBundle } from '@temporalio/worker'
import { beforeAll, expect, test } from 'vitest'
import { withAttribution } from '../../middleware/temporal/attribution.ts'
import { TollgatePlugin } from '../../middleware/temporal/plugin.ts'
import { historyFrom, namesIn, recording, recordMissing, textIn, textOf } from '../stack/histories.ts'
import { until } from '../stack/until.ts'
import { catalogue } from './charging.ts'
import { openStand, type Stand, tasks } from './stand.ts'
import {
  bothAtOnce,
  callsActivity,
  chat,
  continues,
  hardReport,
  mailsAtOnce,
  onDemand,
  parent,
  parts,
  report,
  sleepsAndContinues,
  twoMails,
  waitsForever,
} from './workflows.ts'
import { workflowsPath } from './workflows-path.ts'

const folder = join(import.meta.dirname, 'histories')
const logger = new DefaultLogger('ERROR')

/** What the plugin's own local activities, and the wait of a parked run, leave in a history cannot be replayed by a worker that does not have the plugin. */
const onlyWithPlugin = [
  'cancelled-while-parked',
  'completes-a-task',
  'ledger-away',
  'open-time',
  'parked',
  'parked-in-flight',
  'parked-listed',
  'parked-local',
  'parked-together',
  'scheduled',
  'scheduled-skipped',
  'woken-too-early',
]

const asked: string[] = []
const neverAsked = (what: string) => (): never => {
  asked.push(what)
  throw new Error(`a replay asked for ${what}`)
}
const plugin = new TollgatePlugin({
  catalogue,
  tasks,
  charges: {
    open: neverAsked('a hold'),
    settle: neverAsked('a charge'),
    meters: { run: neverAsked('a meter'), setsAside: neverAsked('what it sets aside') },
    waitingRoom: {
      enter: neverAsked('a place in line'),
      leave: neverAsked('its place'),
      hasCredits: neverAsked('the balance'),
    },
  },
})

let withPlugin: WorkflowBundle
let without: WorkflowBundle

beforeAll(async () => {
  if (recording) await recordMissing(folder, recordings)
  withPlugin = await bundleWorkflowCode({ workflowsPath, plugins: [plugin], logger })
  without = await bundleWorkflowCode({ workflowsPath, logger })
}, 300_000)

test('every kind of run is recorded', () => {
  expect(namesIn(folder)).toEqual(expect.arrayContaining(Object.keys(recordings)))
})

const replay = (name: string, bundle: WorkflowBundle, plugins: TollgatePlugin[]) =>
  Worker.runReplayHistory({ workflowBundle: bundle, plugins }, historyFrom(textIn(folder, name)), 'replayed')

test.each(namesIn(folder))('%s replays with the plugin, and charges nothing', async (name) => {
  await expect(replay(name, withPlugin, [plugin])).resolves.toBeUndefined()
  expect(asked).toEqual([])
})

test.each(namesIn(folder).filter((name) => !onlyWithPlugin.includes(name)))('%s replays without it', async (name) => {
  await expect(replay(name, without, [])).resolves.toBeUndefined()
})

test.each(onlyWithPlugin)('%s is noticed by a worker without it', async (name) => {
  await expect(replay(name, without, [])).rejects.toThrow('Nondeterminism')
})

async function withStand(
  work: (stand: Stand) => Promise<WorkflowHandle>,
  options: Parameters<typeof openStand>[0] = {},
): Promise<string> {
  const stand = await openStand(options)
  try {
    await stand.startWorker()
    return await textOf(await work(stand))
  } finally {
    await stand.close()
  }
}

interface Scene {
  readonly stand: Stand
  readonly account: string
  readonly handle: WorkflowHandle
}

/** Of a run on an account with so many credits. */
function run<W extends Workflow>(
  workflow: W,
  args: Parameters<W>,
  credits: number,
  then: (scene: Scene) => Promise<unknown> = ({ handle }) => handle.result().catch(() => undefined),
): () => Promise<string> {
  return () =>
    withStand(async (stand) => {
      const account = await stand.openAccount(credits)
      const handle = await withAttribution({ account, employee: 'bo' }, () =>
        stand.client.workflow.start(workflow, { taskQueue: stand.taskQueue, workflowId: randomUUID(), args } as never),
      )
      await then({ stand, account, handle })
      return handle
    })
}

/** Of a run that was started without the plugin. */
function bare<W extends Workflow>(workflow: W, args: Parameters<W>): () => Promise<string> {
  return () =>
    withStand(async (stand) => {
      const started = { taskQueue: stand.taskQueue, workflowId: randomUUID(), args } as never
      const handle: WorkflowHandle = await stand.bare.workflow.start(workflow, started)
      await handle.result()
      return handle
    })
}

const parked = ({ stand, account }: Scene, runs = 1) => until(async () => (await stand.parkedRuns(account)) === runs)

async function feed({ stand, account, handle }: Scene): Promise<void> {
  await stand.grant(account, 10)
  await stand.wake(account)
  await handle.result()
}

async function scheduled(stand: Stand, credits: number): Promise<WorkflowHandle> {
  const account = await stand.openAccount(credits)
  const schedule = await withAttribution({ account }, () =>
    stand.client.schedule.create({
      scheduleId: `schedule-${randomUUID()}`,
      spec: {},
      action: { type: 'startWorkflow', workflowType: report, taskQueue: stand.taskQueue },
    }),
  )
  await schedule.trigger()
  const action = await until(async () => (await schedule.describe()).info.recentActions.at(-1)?.action)
  const handle = stand.client.workflow.getHandle(action.workflow.workflowId)
  await handle.result()
  return handle
}

const parkedRun = run(twoMails, [], 0.05, async (scene) => {
  await parked(scene)
  await feed(scene)
})

const recordings: Readonly<Record<string, () => Promise<string>>> = {
  'never-had-the-plugin': bare(callsActivity, ['sendMail', ['one']]),
  'never-had-the-plugin-at-once': bare(bothAtOnce, []),
  'older-than-the-plugin': async () => {
    let account = ''
    const attributionOfActivity = () => ({ account })
    return withStand(
      async (stand) => {
        account = await stand.openAccount(0)
        const started = { taskQueue: stand.taskQueue, workflowId: randomUUID(), args: ['sendMail', ['one']] } as never
        const handle: WorkflowHandle = await stand.bare.workflow.start(callsActivity, started)
        await until(async () => (await handle.describe()).raw.pendingActivities?.some((a) => a.lastFailure != null))
        await stand.grant(account, 10)
        await handle.result()
        return handle
      },
      { attributionOfActivity },
    )
  },
  charged: run(callsActivity, ['sendMail', ['one']], 10),
  'charged-at-once': run(bothAtOnce, [], 10),
  'fails-and-is-tried-again': run(callsActivity, ['failsTwice'], 10),
  'fails-for-good': run(callsActivity, ['fails'], 10),
  'with-a-child': run(parent, [], 10),
  'many-messages': run(chat, [], 10),
  'continued-as-new': () =>
    withStand(async (stand) => {
      const account = await stand.openAccount(10)
      const handle = await withAttribution({ account }, () =>
        stand.client.workflow.start(continues, { taskQueue: stand.taskQueue, workflowId: randomUUID(), args: [1] }),
      )
      await handle.result()
      return stand.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId)
    }),
  'in-flight': run(waitsForever, [], 10, async ({ stand, account }) => {
    await until(async () => stand.seen.some((seen) => seen.account === account))
  }),
  cancelled: run(waitsForever, [], 10, async ({ stand, account, handle }) => {
    await until(async () => stand.seen.some((seen) => seen.account === account))
    await handle.cancel()
    await handle.result().catch(() => undefined)
  }),
  parked: parkedRun,
  /** Recorded in a namespace that has the search attribute. */
  'parked-listed': parkedRun,
  'parked-in-flight': run(twoMails, [], 0.05, ({ handle }) =>
    until(async () => (await textOf(handle)).includes('TIMER_STARTED')),
  ),
  'parked-together': run(mailsAtOnce, [12], 0, async (scene) => {
    await parked(scene)
    await feed(scene)
  }),
  'parked-local': run(onDemand, [], 0, async (scene) => {
    await parked(scene)
    await feed(scene)
  }),
  'woken-too-early': run(twoMails, [], 0, async (scene) => {
    await parked(scene)
    await scene.stand.ledger.popWaiters(scene.account, 10)
    await scene.handle.signal('tollgate-resume')
    await parked(scene)
    await feed(scene)
  }),
  'cancelled-while-parked': run(twoMails, [], 0, async (scene) => {
    await parked(scene)
    await scene.handle.cancel()
    await scene.handle.result().catch(() => undefined)
  }),
  'ledger-away': () => {
    let refusals = 1
    return withStand(async (stand) => {
      const account = await stand.openAccount(10)
      const plugin = stand.newPlugin({
        charges: {
          ...stand.charges,
          open: (request) =>
            refusals-- > 0
              ? Promise.resolve({ ok: false, refusal: { kind: 'ledger_unavailable', reason: 'away' } })
              : stand.charges.open(request),
        },
      })
      const taskQueue = randomUUID()
      await stand.startWorker({ taskQueue, plugins: [plugin] })
      const handle = await withAttribution({ account }, () =>
        stand.client.workflow.start(twoMails, { taskQueue, workflowId: randomUUID() }),
      )
      await handle.result()
      return handle
    })
  },
  'completes-a-task': run(hardReport, [0], 10),
  'completes-tasks-twice': run(parts, [], 10),
  'open-time': () =>
    withStand(
      async (stand) => {
        const account = await stand.openAccount(10)
        const started = { taskQueue: stand.taskQueue, workflowId: randomUUID(), args: [1] as [number] }
        const handle = await withAttribution({ account }, () =>
          stand.client.workflow.start(sleepsAndContinues, started),
        )
        await handle.result()
        return stand.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId)
      },
      { catalogue: { ...catalogue, policies: { ...catalogue.policies, runtime: 'open' } } },
    ),
  scheduled: () => withStand((stand) => scheduled(stand, 10)),
  'scheduled-skipped': () => withStand((stand) => scheduled(stand, 0)),
}
