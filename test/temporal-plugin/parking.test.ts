import { randomUUID } from 'node:crypto'
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client'
import { isCancellation, type Workflow } from '@temporalio/workflow'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parkedQuery, type ParkedStep } from '../../credits/parked-run.ts'
import { withAttribution } from '../../middleware/temporal/attribution.ts'
import { until } from '../stack/until.ts'
import { openStand, type Stand } from './stand.ts'
import {
  givesUp,
  mailsAtOnce,
  mailsOnce,
  mailsUnlessStopped,
  mailsWithin,
  onDemand,
  report,
  twoMails,
} from './workflows.ts'

let stand: Stand
let stop: () => Promise<void>

beforeAll(async () => {
  stand = await openStand()
})
afterEach(() => stop?.())
afterAll(() => stand?.close())

const started = () => ({ taskQueue: stand.taskQueue, workflowId: randomUUID() })
const work = async (...options: Parameters<Stand['startWorker']>) => void (stop = await stand.startWorker(...options))

function start<W extends Workflow>(account: string, workflow: W, ...args: Parameters<W>): Promise<WorkflowHandle<W>> {
  return withAttribution({ account, employee: 'bo' }, () =>
    stand.client.workflow.start(workflow, { ...started(), args } as never),
  )
}

interface Metadata {
  readonly currentDetails?: string
}

const details = async (handle: WorkflowHandle): Promise<string> =>
  (await handle.query<Metadata>('__temporal_workflow_metadata')).currentDetails ?? ''

const parked = (handle: WorkflowHandle) => until(async () => (await details(handle)).includes('out of credits'))

/** Names of the events of a run, `ActivityTaskScheduled` for instance. */
async function eventsOf(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory()
  const kinds = events!.map((event) => Object.keys(event).find((name) => name.endsWith('EventAttributes'))!)
  return kinds.map((kind) => kind.replace('EventAttributes', ''))
}

const mailsOf = (account: string) => stand.seen.filter((seen) => seen.account === account).length
const spentOf = async (account: string) =>
  (await stand.receipts(account)).reduce((sum, { charged }) => sum + charged, 0)

test('a run that is out of credits waits, shows it, and goes on at the same step after a grant', async () => {
  await work()
  const account = await stand.openAccount(0.05)
  const handle = await start(account, twoMails)
  await parked(handle)
  expect(mailsOf(account)).toBe(1)
  const waits = await handle.query<ParkedStep[]>(parkedQuery)
  expect(waits).toEqual([{ waitsFor: 'credits', need: expect.any(Number) }])
  expect(waits[0]!.need).toBeGreaterThanOrEqual(50_000)
  await stand.grant(account, 10)
  await stand.wake(account)
  expect(await handle.result()).toEqual(['sent one', 'sent two'])
  expect(await handle.query(parkedQuery)).toEqual([])
  expect(mailsOf(account)).toBe(2)
  expect(await spentOf(account)).toBe(100_000)
  expect(await details(handle)).toBe('two mails to send')
})

test('it can be listed while it is parked, and no longer', async () => {
  await work()
  const account = await stand.openAccount(0)
  const handle = await start(account, mailsOnce)
  const listed = async () => {
    const query = `TollgateState = "parked" AND WorkflowId = "${handle.workflowId}"`
    return (await stand.client.workflow.count(query)).count
  }
  await until(async () => (await listed()) === 1)
  await stand.grant(account, 10)
  await stand.wake(account)
  await handle.result()
  expect(await until(async () => (await listed()) === 0)).toBe(true)
})

test('it spends no attempts, and outlives the deadlines of the activity', async () => {
  await work()
  const account = await stand.openAccount(0)
  const handle = await start(account, mailsOnce)
  await parked(handle)
  const { raw } = await handle.describe()
  expect(raw.pendingActivities ?? []).toEqual([])
  await stand.grant(account, 10)
  await stand.wake(account)
  expect(await handle.result()).toBe('sent one')
})

test('steps that are refused together wait together', async () => {
  await work()
  const account = await stand.openAccount(0)
  const handle = await start(account, mailsAtOnce, 12)
  await parked(handle)
  await until(async () => (await eventsOf(handle)).filter((name) => name === 'activityTaskFailed').length === 12)
  await stand.grant(account, 10)
  await stand.wake(account)
  await handle.result()
  expect(await spentOf(account)).toBe(600_000)
  // One question when they came, one after the first of them had been told to go on
  expect((await eventsOf(handle)).filter((name) => name === 'markerRecorded')).toHaveLength(2)
})

test('a grant before it stood in line wakes it all the same', async () => {
  const account = await stand.openAccount(0)
  await work({
    plugins: [
      stand.newPlugin({
        charges: {
          ...stand.charges,
          waitingRoom: {
            ...stand.charges.waitingRoom,
            async enter(...args) {
              await stand.grant(account, 10)
              return stand.charges.waitingRoom.enter(...args)
            },
          },
        },
      }),
    ],
  })
  const handle = await start(account, mailsOnce)
  expect(await handle.result()).toBe('sent one')
})

test('parked through a restart of its worker', async () => {
  await work()
  const account = await stand.openAccount(0)
  const handle = await start(account, mailsOnce)
  await parked(handle)
  await stop()
  await stand.grant(account, 10)
  await stand.wake(account)
  await work()
  expect(await handle.result()).toBe('sent one')
})

test('a parked run can be cancelled', async () => {
  await work()
  const account = await stand.openAccount(0)
  const handle = await start(account, mailsOnce)
  await parked(handle)
  await handle.cancel()
  const failure = (await handle.result().catch((error: unknown) => error)) as WorkflowFailedError
  expect(failure).toBeInstanceOf(WorkflowFailedError)
  expect(isCancellation(failure.cause)).toBe(true)
  expect(mailsOf(account)).toBe(0)
})

test('one that goes on by other means when it is cancelled does not stay parked', async () => {
  await work()
  const account = await stand.openAccount(0)
  const handle = await start(account, mailsUnlessStopped)
  await parked(handle)
  await handle.signal('stop')
  expect(await handle.result()).toBe('stopped')
  expect(await details(handle)).toBe('')
})

test('a timeout around a step counts the time it is parked', async () => {
  await work()
  const account = await stand.openAccount(0)
  const handle = await start(account, mailsWithin, 300)
  expect(await handle.result()).toBe('too late')
})

test('local activities park too', async () => {
  await work()
  const account = await stand.openAccount(0)
  const handle = await start(account, onDemand)
  await parked(handle)
  await stand.grant(account, 10)
  await stand.wake(account)
  expect(await handle.result()).toBe('sent near')
})

test('who was woken and finds nothing left stands in line again', async () => {
  await work()
  const account = await stand.openAccount(0)
  const handle = await start(account, mailsOnce)
  await parked(handle)
  await handle.signal('tollgate-resume')
  await until(async () => (await eventsOf(handle)).filter((name) => name === 'activityTaskFailed').length === 2)
  await parked(handle)
  await stand.grant(account, 10)
  await stand.wake(account)
  expect(await handle.result()).toBe('sent one')
})

test('oldest first, and only as many as the balance feeds', async () => {
  await work()
  const account = await stand.openAccount(0)
  const handles: WorkflowHandle[] = []
  for (let i = 0; i < 4; i += 1) {
    const handle = await start(account, mailsOnce)
    await parked(handle)
    handles.push(handle)
  }
  await stand.grant(account, 0.1)
  await stand.wake(account)
  expect(await Promise.all(handles.slice(0, 2).map((handle) => handle.result()))).toEqual(['sent one', 'sent one'])
  expect((await handles[2]!.describe()).status.name).toBe('RUNNING')
  expect((await eventsOf(handles[2]!)).includes('workflowExecutionSignaled')).toBe(false)
  await stand.grant(account, 10)
  await stand.wake(account)
  await Promise.all(handles.map((handle) => handle.result()))
  expect(await spentOf(account)).toBe(200_000)
})

test('runs that ended while they were parked keep nobody waiting', async () => {
  await work()
  const account = await stand.openAccount(0)
  const first = await start(account, mailsOnce)
  await parked(first)
  const second = await start(account, mailsOnce)
  await parked(second)
  await first.terminate()
  await stand.grant(account, 0.05)
  await stand.wake(account)
  expect(await second.result()).toBe('sent one')
})

test('a run that gave its parked step up leaves the line', async () => {
  await work()
  const account = await stand.openAccount(0)
  const first = await start(account, givesUp)
  await parked(first)
  const second = await start(account, mailsOnce)
  await parked(second)
  await first.signal('stop')
  await until(async () => (await stand.parkedRuns(account)) === 1)
  await stand.grant(account, 0.05)
  await stand.wake(account)
  expect(await second.result()).toBe('sent one')
  await first.terminate()
})

test('a run that could not ask asks again soon', async () => {
  const account = await stand.openAccount(0)
  let questions = 0
  const waitingRoom = {
    ...stand.charges.waitingRoom,
    enter: (...args: Parameters<typeof stand.charges.waitingRoom.enter>) =>
      (questions += 1) <= 3 ? Promise.reject(new Error('away')) : stand.charges.waitingRoom.enter(...args),
  }
  await work({ plugins: [stand.newPlugin({ charges: { ...stand.charges, waitingRoom } })] })
  const handle = await start(account, mailsOnce)
  await until(async () => (await stand.parkedRuns(account)) === 1)
  await stand.grant(account, 10)
  await stand.wake(account)
  expect(await handle.result()).toBe('sent one')
})

test('while the ledger does not answer, the run waits and no attempt is spent', async () => {
  let away = true
  const account = await stand.openAccount(10)
  await work({
    plugins: [
      stand.newPlugin({
        charges: {
          ...stand.charges,
          open: (request) =>
            away
              ? Promise.resolve({ ok: false, refusal: { kind: 'ledger_unavailable', reason: 'away' } })
              : stand.charges.open(request),
        },
      }),
    ],
  })
  const handle = await start(account, mailsOnce)
  await until(async () => (await details(handle)).includes('credit ledger'))
  away = false
  expect(await handle.result()).toBe('sent one')
})

describe('a run that a schedule starts', () => {
  async function scheduled(account: string, workflow: Workflow): Promise<WorkflowHandle> {
    const schedule = await withAttribution({ account }, () =>
      stand.client.schedule.create({
        scheduleId: `schedule-${randomUUID()}`,
        spec: {},
        action: { type: 'startWorkflow', workflowType: workflow, taskQueue: stand.taskQueue },
      }),
    )
    await schedule.trigger()
    const { workflow: run } = await until(async () => {
      const action = (await schedule.describe()).info.recentActions.at(-1)?.action
      return action?.type === 'startWorkflow' ? action : undefined
    })
    return stand.client.workflow.getHandle(run.workflowId, run.firstExecutionRunId)
  }

  test('at zero is skipped: completed, and nothing was done or charged', async () => {
    await work()
    const account = await stand.openAccount(0)
    const handle = await scheduled(account, report)
    expect(await handle.result()).toEqual({ skipped: true, reason: 'out_of_credits' })
    expect((await handle.describe()).status.name).toBe('COMPLETED')
    expect(await stand.receipts(account)).toEqual([])
  })

  test('with credits is done', async () => {
    await work()
    const account = await stand.openAccount(10)
    expect(await (await scheduled(account, report)).result()).toBe('reported')
    expect(await spentOf(account)).toBe(250_000)
  })
})
