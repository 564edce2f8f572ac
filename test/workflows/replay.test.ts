import { join } from 'node:path'
import { Context } from '@temporalio/activity'
import { type Client, type WorkflowHandle, WithStartWorkflowOperation } from '@temporalio/client'
import { Worker } from '@temporalio/worker'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import type { AttendSession, SessionAttended } from '../../activities/attend-session.ts'
import type { Activities } from '../../activities/index.ts'
import type { SessionActivities } from '../../activities/session-activities.ts'
import { accountWorkflowId } from '../../credits/account/messages.ts'
import { reconcileWorkflowId } from '../../credits/account/reconcile-start.ts'
import { zero } from '../../credits/money.ts'
import {
  begunUpdate,
  endSignal,
  type SessionAnswer,
  type SessionEnd,
  type SessionStart,
  sessionWorkflowId,
  sessionWorkflowType,
} from '../../credits/session/messages.ts'
import { type Accounts, createAccounts } from '../../middleware/accounts.ts'
import { systemClock } from '../../middleware/clock.ts'
import { startReconciler } from '../../middleware/reconcilers.ts'
import { noProgress } from '../../middleware/sessions/session-meter.ts'
import { row, rowOf } from '../account/given.ts'
import { sessionFacts } from '../ledger/given.ts'
import { historyFrom, namesIn, recording, recordMissing, textIn, textOf } from '../stack/histories.ts'
import { startTimeSkipping } from '../stack/time-skipping.ts'
import { catalogue, credits } from './catalogue.ts'
import { newAccountId, openStand, signUpOf } from './stand.ts'
import { until } from '../stack/until.ts'

const folder = join(import.meta.dirname, 'histories')

describe('what ran before replays as it ran', () => {
  beforeAll(async () => {
    if (recording) await recordMissing(folder, recordings)
  }, 300_000)

  test.each(namesIn(folder))('%s', async (name) => {
    await expect(replay(textIn(folder, name))).resolves.toBeUndefined()
  })

  test('and a history of other code is noticed', async () => {
    const text = textIn(folder, namesIn(folder)[0]!).replaceAll('"putTerms"', '"putOtherTerms"')
    await expect(replay(text)).rejects.toThrow('Nondeterminism')
  })
})

function replay(text: string): Promise<void> {
  const workflowBundle = { codePath: inject('workflowBundlePath') }
  return Worker.runReplayHistory({ workflowBundle }, historyFrom(text), 'replayed')
}

const quiet: Partial<Activities> = { putTerms: async () => undefined }
const pack = (id: string) =>
  ({ id, source: 'pack', amount: credits(100), resets: true, detail: '', by: 'test' }) as const
const employee = {
  id: 'bo',
  name: 'Bo',
  organization: '',
  tier: 'fast',
  model: '',
  archived: false,
  mode: 'save',
} as const
const rows = (lineage: number, seq: number) =>
  ({
    lineage,
    seq,
    termsVersion: 1,
    held: zero,
    epochs: [{ epoch: 1, rows: { [rowOf('app')]: row(credits(seq)) } }],
  }) as const

async function everyCommand(accounts: Accounts, accountId: string): Promise<void> {
  await accounts.signUp(signUpOf(accountId))
  await accounts.signUp({ ...signUpOf(accountId), email: 'eve@example.com' })
  await accounts.nextLineage(accountId)
  await accounts.grant(accountId, pack('a'))
  await accounts.grant(accountId, pack('a'))
  await accounts.grant(accountId, { ...pack('a'), amount: credits(1) })
  await accounts.setPlan(accountId, { plan: 'pro', by: 'op' })
  await accounts.setPlan(accountId, { plan: 'free', by: 'op' })
  await accounts.saveEmployee(accountId, employee)
  await accounts.reconcile(accountId, rows(1, 2))
  await accounts.reconcile(accountId, rows(1, 2))
  await accounts.reconcile(accountId, rows(9, 3))
  await accounts.closeEpoch(accountId, { epoch: 1, rows: {} })
}

function historyOf(client: Client, workflowId: string, runId?: string): Promise<string> {
  return textOf(client.workflow.getHandle(workflowId, runId))
}

/** Runs `work` with a worker and hands over what its workflow left behind. */
async function recorded(
  activities: Partial<Activities & SessionActivities>,
  work: (stand: Awaited<ReturnType<typeof openStand>>) => Promise<string>,
): Promise<string> {
  const stand = await openStand({ updatesPerRun: 6 })
  try {
    await stand.startWorker(activities)
    return await work(stand)
  } finally {
    await stand.close()
  }
}

/** A call under a supervisor that does what it is told; `attended` are its activities, one after another. */
async function sessionRecorded(
  attended: readonly SessionAttended[],
  meanwhile: (handle: WorkflowHandle, sessionId: string) => Promise<void> = async () => undefined,
  answer: SessionAnswer = begun,
): Promise<string> {
  let turn = 0
  const activities = {
    openSession: async () => answer,
    attendSession: async ({ endAsked }: AttendSession) => {
      const next = attended[turn]
      turn += 1
      if (next !== undefined) return next
      // Until it is asked to end
      const context = Context.current()
      const stop = systemClock.every(1_000, () => context.heartbeat())
      if (!endAsked) await context.cancelled.catch(() => undefined)
      stop()
      return { over: true, end: ended } as const
    },
  }
  return recorded(activities, async ({ client, taskQueue }) => {
    const start = { ...sessionStart, sessionId: newAccountId() }
    const workflowId = sessionWorkflowId(start.sessionId)
    const startWorkflowOperation = new WithStartWorkflowOperation(sessionWorkflowType, {
      workflowId,
      taskQueue,
      args: [{ start, slicesPerRun: 2 }],
      workflowIdConflictPolicy: 'USE_EXISTING',
    })
    await client.workflow.executeUpdateWithStart(begunUpdate, { args: [], startWorkflowOperation })
    const { runId } = await client.workflow.getHandle(workflowId).describe()
    const first = client.workflow.getHandle(workflowId, runId)
    await meanwhile(first, start.sessionId)
    await client.workflow.getHandle(workflowId).result()
    return textOf(first)
  })
}

const sessionStart: SessionStart = {
  accountId: 'caller',
  sessionId: '',
  kind: 'voice',
  employee: 'bo',
  organization: '',
  message: '',
  adapter: 'browser',
  meetingUrl: null,
}
const begun: SessionAnswer = { ok: true, facts: sessionFacts, progress: noProgress(1_800_000_000_000), join: null }
const ended: SessionEnd = {
  id: 'call',
  kind: 'voice',
  startedAtMs: 1_800_000_000_000,
  endedAtMs: 1_800_000_060_000,
  seconds: 60,
  charged: credits(3),
  endReason: 'requested',
}
const goesOn: SessionAttended = { over: false, progress: noProgress(1_800_000_000_000) }

const recordings: Readonly<Record<string, () => Promise<string>>> = {
  'session-ended': () => sessionRecorded([{ over: true, end: ended }]),
  'session-refused': () =>
    sessionRecorded([], undefined, {
      ok: false,
      refusal: { code: 'credits_depleted', message: 'no credits are left' },
    }),
  'session-hands-over': () => sessionRecorded([goesOn, goesOn, { over: true, end: ended }]),
  'session-cancelled': () => sessionRecorded([goesOn], async (handle) => void (await handle.cancel())),
  'session-told-to-end': () => sessionRecorded([], (handle) => handle.signal(endSignal)),
  'account-hands-over': () =>
    recorded(quiet, async ({ accounts, client }) => {
      const accountId = newAccountId()
      await accounts.signUp(signUpOf(accountId))
      const { runId } = await client.workflow.getHandle(accountWorkflowId(accountId)).describe()
      await everyCommand(accounts, accountId)
      return historyOf(client, accountWorkflowId(accountId), runId)
    }),
  'account-taken-over': () =>
    recorded(quiet, async ({ accounts, client }) => {
      const accountId = newAccountId()
      await everyCommand(accounts, accountId)
      return historyOf(client, accountWorkflowId(accountId))
    }),
  'account-refused-sign-up': () =>
    recorded(quiet, async ({ accounts, client }) => {
      const accountId = newAccountId()
      await accounts.signUp({ ...signUpOf(accountId), timeZone: 'Mars/Olympus' })
      const handle = client.workflow.getHandle(accountWorkflowId(accountId))
      await until(async () => (await handle.describe()).status.name === 'COMPLETED', 30_000)
      return historyOf(client, accountWorkflowId(accountId))
    }),
  'account-ledger-away': () => {
    let attempts = 0
    const failsFirst: Partial<Activities> = {
      putTerms: async () => {
        if ((attempts += 1) < 3) throw new Error('the ledger is away')
      },
    }
    return recorded(failsFirst, async ({ accounts, client }) => {
      const accountId = newAccountId()
      await accounts.signUp(signUpOf(accountId))
      await accounts.grant(accountId, pack('a'))
      await until(async () => attempts >= 4)
      return historyOf(client, accountWorkflowId(accountId))
    })
  },
  'account-rolls-over': async () => {
    const env = await startTimeSkipping()
    const taskQueue = 'record'
    const codePath = inject('workflowBundlePath')
    const worker = await Worker.create({
      connection: env.nativeConnection,
      taskQueue,
      workflowBundle: { codePath },
      activities: quiet,
    })
    try {
      return await worker.runUntil(async () => {
        const accounts = createAccounts({ client: env.client, taskQueue, catalogue })
        const accountId = newAccountId()
        await everyCommand(accounts, accountId)
        await env.sleep('32 days')
        await accounts.reconcile(accountId, rows(1, 5))
        await accounts.closeEpoch(accountId, { epoch: 1, rows: rows(1, 5).epochs[0].rows })
        await env.sleep('65 days')
        await accounts.grant(accountId, pack('b'))
        return historyOf(env.client, accountWorkflowId(accountId))
      })
    } finally {
      await env.teardown()
    }
  },
  'account-with-budgets': () =>
    recorded(quiet, async ({ accounts, client }) => {
      const accountId = newAccountId()
      const level = 'employee:bo'
      const rule = { limit: credits(10), window: 'day', atLimit: 'pause' } as const
      await accounts.signUp(signUpOf(accountId))
      await accounts.saveOrganization(accountId, { id: 'lab', name: 'Lab', archived: false })
      await accounts.saveBudget(accountId, { level: 'default', ...rule })
      await accounts.saveEmployee(accountId, employee)
      await accounts.raiseBudget(accountId, { level, limit: credits(20), untilMs: Date.now() + 1_500 })
      await until(async () => {
        const answer = await accounts.view(accountId)
        return answer.ok && answer.view.terms.card.budgets?.[0]?.raisedUntilMs === null
      })
      const { runId } = await client.workflow.getHandle(accountWorkflowId(accountId)).describe()
      return historyOf(client, accountWorkflowId(accountId), runId)
    }),
  'account-mails-alerts': () => {
    let attempts = 0
    const failsFirst: Partial<Activities> = {
      ...quiet,
      mailAlert: async () => {
        if ((attempts += 1) < 2) throw new Error('the mail server is away')
      },
    }
    return recorded(failsFirst, async ({ client, taskQueue }) => {
      const mailing = { ...catalogue, policies: { ...catalogue.policies, alertMail: true } }
      const accounts = createAccounts({ client, taskQueue, catalogue: mailing })
      const accountId = newAccountId()
      await accounts.signUp(signUpOf(accountId))
      await accounts.nextLineage(accountId)
      await accounts.reconcile(accountId, {
        ...rows(1, 2),
        epochs: [{ epoch: 1, rows: { [rowOf('app')]: row(credits(1000)) } }],
      })
      await until(async () => attempts === 2)
      await accounts.acknowledgeAlert(accountId, { id: '1-0' })
      await accounts.takeBack(accountId, { id: 'back', amount: credits(1), detail: '', by: 'op' })
      return historyOf(client, accountWorkflowId(accountId))
    })
  },
  'account-rewards-referrer': () =>
    recorded(quiet, async ({ accounts, client }) => {
      const [referrer, friend, orphan] = [newAccountId(), newAccountId(), newAccountId()]
      const reward = (to: string, from: string) => ({
        referrer: to,
        grant: `referral:${from}`,
        amount: credits(500),
        resets: false,
        most: 10,
        detail: 'fr••••@example.com',
      })
      await accounts.signUp(signUpOf(referrer))
      await accounts.signUp({ ...signUpOf(friend), reward: reward(referrer, friend) })
      // Its referrer is gone.
      await accounts.signUp({ ...signUpOf(orphan), reward: reward('nobody', orphan) })
      const has = async (accountId: string, kind: 'Signaled' | 'Failed') => {
        const { events } = await client.workflow.getHandle(accountWorkflowId(accountId)).fetchHistory()
        return events?.some((event) =>
          kind === 'Signaled'
            ? event.externalWorkflowExecutionSignaledEventAttributes
            : event.signalExternalWorkflowExecutionFailedEventAttributes,
        )
      }
      await until(() => has(friend, 'Signaled'))
      await until(() => has(orphan, 'Failed'))
      await accounts.grant(orphan, pack('a'))
      return historyOf(client, accountWorkflowId(orphan))
    }),
  /** Recorded when the reconciler had three activities, and five: so are the runs that began before there was one. */
  'reconcile-hands-over': reconcileRun,
  'reconcile-with-checks': reconcileRun,
  'reconcile-as-one': reconcileRun,
}

function reconcileRun(): Promise<string> {
  const rest = () => new Promise<void>((resolve) => setTimeout(resolve, 20))
  const resting: Partial<Activities> = {
    drainReceipts: rest,
    sweepHolds: rest,
    reconcileAccounts: rest,
    checkAccounts: rest,
    lookAfterShards: rest,
  }
  return recorded(resting, async ({ client, taskQueue }) => {
    const range = { from: 900, to: 901 }
    await startReconciler(client, taskQueue, { ...range, roundMs: 20, roundsPerRun: 3 })
    const workflowId = reconcileWorkflowId(range)
    const { runId } = await client.workflow.getHandle(workflowId).describe()
    await until(async () => (await client.workflow.getHandle(workflowId).describe()).runId !== runId)
    const history = await historyOf(client, workflowId, runId)
    await client.workflow.getHandle(workflowId).terminate()
    return history
  })
}
