import { randomUUID } from 'node:crypto'
import { WorkflowFailedError } from '@temporalio/client'
import { Worker } from '@temporalio/worker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Receipt } from '../../credits/receipt.ts'
import { withAttribution } from '../../middleware/temporal/attribution.ts'
import { until } from '../stack/until.ts'
import { openStand, type Stand } from './stand.ts'
import {
  bothAtOnce,
  endlessReport,
  failedReport,
  hardReport,
  localMails,
  mails,
  parts,
  report,
  stubbornReport,
} from './workflows.ts'

let stand: Stand

beforeAll(async () => {
  stand = await openStand()
  await stand.startWorker()
})
afterAll(() => stand?.close())

const started = () => ({ taskQueue: stand.taskQueue, workflowId: randomUUID() })
const completed = (receipts: readonly Receipt[]) => receipts.filter(({ row }) => row.startsWith('tasks_completed'))
const tasksOf = async (account: string) =>
  completed(await stand.receipts(account))
    .map(({ detail }) => detail!.task)
    .toSorted()

test('a workflow that is a task is charged once on success', async () => {
  const account = await stand.openAccount(10)
  const options = started()
  await withAttribution({ account, employee: 'bo', message: 'm1' }, () =>
    stand.client.workflow.execute(report, options),
  )
  expect(await stand.receipts(account)).toMatchObject([
    {
      charged: 250_000,
      row: 'tasks_completed||||bo|',
      quantities: { units: 1 },
      detail: { task: options.workflowId, messageId: 'm1', pricedAs: 'task.completed' },
    },
  ])
})

test('through a retry of the workflow and continue-as-new, each task is charged once', async () => {
  const account = await stand.openAccount(10)
  const options = started()
  await withAttribution({ account }, () =>
    stand.client.workflow.execute(hardReport, {
      ...options,
      args: [2],
      retry: { initialInterval: '100ms', maximumAttempts: 3 },
    }),
  )
  expect(await tasksOf(account)).toEqual([options.workflowId, 'part'].toSorted())
  expect(await stand.remaining(account)).toBe(9_500_000)
})

test('a workflow that is reset and ends again is the same task', async () => {
  const account = await stand.openAccount(10)
  const handle = await withAttribution({ account }, () => stand.client.workflow.start(parts, started()))
  await handle.result()
  const { events } = await handle.fetchHistory()
  const firstTask = events!.find(({ workflowTaskCompletedEventAttributes: done }) => done != null)!
  const { runId } = await stand.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: handle.workflowId, runId: handle.firstExecutionRunId },
    workflowTaskFinishEventId: firstTask.eventId!,
    requestId: randomUUID(),
    reason: 'test',
  })
  await stand.client.workflow.getHandle(handle.workflowId, runId).result()
  expect(await tasksOf(account)).toEqual(['a', 'b'])
})

test('completeTask charges each id once, however often it is said', async () => {
  const account = await stand.openAccount(10)
  await withAttribution({ account }, () => stand.client.workflow.execute(parts, started()))
  expect(await tasksOf(account)).toEqual(['a', 'b'])
})

test('a failed, a cancelled and a terminated task cost nothing', async () => {
  const account = await stand.openAccount(10)
  const [failed, cancelled, terminated] = await withAttribution({ account }, () =>
    Promise.all([
      stand.client.workflow.start(failedReport, started()),
      stand.client.workflow.start(endlessReport, started()),
      stand.client.workflow.start(endlessReport, started()),
    ]),
  )
  await expect(failed.result()).rejects.toThrow(WorkflowFailedError)
  await cancelled.cancel()
  await expect(cancelled.result()).rejects.toThrow(WorkflowFailedError)
  await terminated.terminate()
  await expect(terminated.result()).rejects.toThrow(WorkflowFailedError)
  expect(await stand.receipts(account)).toEqual([])
})

test('a task that is asked to stop and succeeds all the same is charged', async () => {
  const account = await stand.openAccount(10)
  const handle = await withAttribution({ account }, () => stand.client.workflow.start(stubbornReport, started()))
  await until(async () => (await handle.fetchHistory()).events!.some((e) => e.workflowTaskCompletedEventAttributes))
  await handle.cancel()
  await handle.result()
  expect(await tasksOf(account)).toEqual([handle.workflowId])
})

test('a task that is completed at zero succeeds, and what it costs is uncollected', async () => {
  const account = await stand.openAccount(0)
  await withAttribution({ account }, () => stand.client.workflow.execute(report, started()))
  expect(await stand.receipts(account)).toMatchObject([{ charged: 0, uncollected: 250_000 }])
})

test('replay charges nothing', async () => {
  const account = await stand.openAccount(10)
  const histories = await withAttribution({ account }, () =>
    Promise.all(
      [report, parts, mails, localMails, bothAtOnce].map(async (workflow) => {
        const handle = await stand.client.workflow.start(workflow as typeof report, started())
        await handle.result()
        return { workflowId: handle.workflowId, history: await handle.fetchHistory() }
      }),
    ),
  )
  const before = await stand.receipts(account)
  expect(before.length).toBeGreaterThanOrEqual(7)
  for (const { workflowId, history } of histories) {
    await Worker.runReplayHistory({ workflowBundle: stand.bundle, plugins: [stand.plugin] }, history, workflowId)
  }
  expect(await stand.receipts(account)).toEqual(before)
})

test('a run that completes no task has no event more than without the plugin', async () => {
  const account = await stand.openAccount(10)
  const types = async (client: Stand['client'], more: object) => {
    const handle = await withAttribution({ account }, () =>
      client.workflow.start(bothAtOnce, { ...started(), ...more }),
    )
    await handle.result()
    return (await handle.fetchHistory()).events!.map(({ eventType }) => String(eventType)).toSorted()
  }
  const withPlugin = await types(stand.client, {})
  const without = await types(stand.bare, {})
  expect(withPlugin.filter((type) => !isWorkflowTask(type))).toEqual(without.filter((type) => !isWorkflowTask(type)))
})

/** How many workflow tasks a run takes is a matter of timing. */
const isWorkflowTask = (type: string): boolean => ['5', '6', '7'].includes(type) || type.includes('WORKFLOW_TASK')
