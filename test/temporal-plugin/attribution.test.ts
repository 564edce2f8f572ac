import { randomUUID } from 'node:crypto'
import { Client, WithStartWorkflowOperation } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withAttribution, type WorkFor } from '../../middleware/temporal/attribution.ts'
import { until } from '../stack/until.ts'
import { openStand, type Stand } from './stand.ts'
import {
  ask,
  callsActivity,
  chat,
  chatOfNobody,
  continues,
  go,
  localMails,
  mails,
  mailsForAnother,
  parent,
} from './workflows.ts'

let stand: Stand

beforeAll(async () => {
  stand = await openStand()
  await stand.startWorker()
})
afterAll(() => stand?.close())

async function whoFor(): Promise<Required<WorkFor>> {
  return { account: await stand.openAccount(10), organization: 'acme', employee: 'bo', message: randomUUID() }
}

const started = () => ({ taskQueue: stand.taskQueue, workflowId: randomUUID() })
const seenOf = ({ message }: Required<WorkFor>) => stand.seen.filter(({ messageId }) => messageId === message)
const nameOf = ({ account, organization, employee, message }: Required<WorkFor>) => ({
  account,
  organization,
  employee,
  messageId: message,
})

describe('an activity knows in whose name it runs', () => {
  test.each<[string, (who: Required<WorkFor>) => Promise<unknown>]>([
    ['in a started workflow', () => stand.client.workflow.execute(mails, started())],
    [
      'in a workflow that a signal started',
      async () => {
        const handle = await stand.client.workflow.signalWithStart(mails, { ...started(), signal: go })
        await handle.result()
      },
    ],
    [
      'in a workflow that an update started',
      async () => {
        const operation = new WithStartWorkflowOperation(mails, { ...started(), workflowIdConflictPolicy: 'FAIL' })
        await stand.client.workflow.executeUpdateWithStart(ask, { startWorkflowOperation: operation })
        await (await operation.workflowHandle()).result()
      },
    ],
    ['when it is local', () => stand.client.workflow.execute(localMails, started())],
    ['in a child workflow', () => stand.client.workflow.execute(parent, started())],
    ['after continue-as-new', () => stand.client.workflow.execute(continues, { ...started(), args: [2] })],
    [
      'in its third attempt',
      () => stand.client.workflow.execute(callsActivity, { ...started(), args: ['failsTwice'] }),
    ],
    [
      'in a workflow that a schedule started',
      async (who) => {
        const schedule = await stand.client.schedule.create({
          scheduleId: randomUUID(),
          spec: {},
          action: { type: 'startWorkflow', workflowType: mails, taskQueue: stand.taskQueue },
        })
        await schedule.trigger()
        await until(async () => seenOf(who).length > 0)
        await schedule.delete()
      },
    ],
  ])('%s', async (_, start) => {
    const who = await whoFor()
    await withAttribution(who, () => start(who))
    const last = seenOf(who).at(-1)
    expect(last).toMatchObject(nameOf(who))
  })

  test('as the plugin’s own option says, which goes before the surroundings', async () => {
    const who = await whoFor()
    const start = started()
    const plugin = stand.newPlugin({
      attribution: ({ workflowType, workflowId, args }) =>
        workflowType === 'callsActivity' && workflowId === start.workflowId && args[0] === 'sendMail' ? who : undefined,
    })
    const client = new Client({ connection: stand.bare.connection, plugins: [plugin] })
    await withAttribution({ account: 'somebody-else' }, () =>
      client.workflow.execute(callsActivity, { ...start, args: ['sendMail', ['hello']] }),
    )
    expect(seenOf(who)).toHaveLength(1)
  })
})

test('one workflow may answer many messages, each in its own name', async () => {
  const who = await whoFor()
  const handle = await withAttribution(who, () => stand.client.workflow.start(chat, started()))
  await handle.result()
  const booked = (await stand.receipts(who.account)).map(({ row, detail }) => {
    const [category, , , , employee, organization] = row.split('|')
    return [detail!.messageId, category, employee, organization].join(' ')
  })
  expect(booked.toSorted()).toEqual(
    [
      'm-1 tool_calls ada acme',
      'm-1 tool_calls eve acme',
      'm-1 tasks_completed ada acme',
      'm-2 tool_calls bo acme',
      'm-2 tool_calls eve acme',
      'm-2 tasks_completed bo acme',
      `${who.message} tool_calls bo acme`,
    ].toSorted(),
  )
})

test('and never for another account', async () => {
  const [who, other] = [await whoFor(), await whoFor()]
  await withAttribution(who, () =>
    stand.client.workflow.execute(mailsForAnother, { ...started(), args: [other.account] }),
  )
  expect(await stand.receipts(who.account)).toMatchObject([{ charged: 50_000, detail: { messageId: 'm-1' } }])
  expect(await stand.receipts(other.account)).toEqual([])
})

test('a name that cannot be one fails the workflow', async () => {
  const who = await whoFor()
  const failure = await withAttribution(who, () => stand.client.workflow.execute(chatOfNobody, started())).catch(
    (error: unknown) => error,
  )
  expect(failure).toMatchObject({ cause: { type: 'AttributionRefused', nonRetryable: true } })
})

test('all attempts of an activity derive the same charge ids, and another activity derives others', async () => {
  const who = await whoFor()
  await withAttribution(who, () => stand.client.workflow.execute(callsActivity, { ...started(), args: ['failsTwice'] }))
  const [first, second, third] = seenOf(who)
  expect(third).toMatchObject({ attempt: 3, firstScheduledMs: first!.firstScheduledMs })
  expect(third!.ids).toEqual(first!.ids)
  expect(second!.ids).toEqual(first!.ids)
  expect(new Set(first!.ids).size).toBe(3)
  await withAttribution(who, () => stand.client.workflow.execute(mails, started()))
  expect(seenOf(who).at(-1)!.ids).not.toEqual(first!.ids)
})

test('an account that cannot be one is refused before anything starts', async () => {
  expect(() => withAttribution({ account: 'a|b' }, () => undefined)).toThrow('account has 1–128 characters')
})

test('a workflow without an account runs, and its priced activity is told of', async () => {
  await stand.bare.workflow.execute(mails, started())
  expect(stand.events).toContainEqual({ kind: 'unattributed', name: 'sendMail' })
  expect(stand.plugin.counts()).toMatchObject({ workflow_side_missing: 0 })
})
