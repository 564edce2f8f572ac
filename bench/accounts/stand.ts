import { randomUUID } from 'node:crypto'
import { Client, Connection } from '@temporalio/client'
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { createActivities } from '../../activities/index.ts'
import { startRedis } from '../../bin/stack/redis.ts'
import { startTemporal } from '../../bin/stack/temporal.ts'
import { workflowCode } from '../../bin/workflow-code.ts'
import { accountWorkflowId } from '../../credits/account/messages.ts'
import { reconcileWorkflowId } from '../../credits/account/reconcile-start.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { createLedger } from '../../ledger/ledger.ts'
import { createAccounts } from '../../middleware/accounts.ts'
import { systemClock } from '../../middleware/clock.ts'
import { createLiveAccounts } from '../../middleware/live-accounts.ts'
import { createAccountLoader } from '../../middleware/load-account.ts'
import { startReconciler } from '../../middleware/reconcilers.ts'
import { createMails } from '../../test/stack/mails.ts'
import { catalogue, credits } from '../../test/workflows/catalogue.ts'
import { spend } from '../../test/workflows/ledger-stand.ts'

/** What Temporal did, in the actions that a Temporal Cloud would bill. */
export interface Actions {
  readonly updates: number
  readonly timers: number
  readonly activities: number
  readonly signals: number
}

export interface Stand {
  /** An account with more credits than can be spent here, loaded. */
  openAccount(): Promise<string>
  charge(accountId: string): Promise<void>
  /** Of the account's workflow, over all its runs. */
  actionsOf(accountId: string): Promise<Actions>
  /** Heartbeats of the reconciler's activities that reached the server, since the stand was opened. */
  heartbeats(): number
  close(): Promise<void>
}

const lookMs = 200

/** Redis, Temporal, an embedded journal, and Tollgate's worker with its reconciler, in this process. */
export async function openStand(): Promise<Stand> {
  Runtime.install({ logger: new DefaultLogger('ERROR') })
  const taskQueue = `bench-${randomUUID()}`
  const [redis, temporal, journal, workflowBundle] = await Promise.all([
    startRedis({ appendonly: 'everysec' }),
    startTemporal({}),
    openJournal({ memory: true }),
    workflowCode(),
  ])
  const connection = await NativeConnection.connect({ address: temporal.address })
  const client = new Client({ connection: await Connection.connect({ address: temporal.address }) })
  const ledger = createLedger(await connectRedis(redis.url), {
    depletedBelow: catalogue.policies.depletedBelow,
    slackMs: 1_000,
  })
  const accounts = createAccounts({ client, taskQueue, catalogue })
  const loader = createAccountLoader({ ledger, accounts, journal, clock: systemClock })
  const live = createLiveAccounts({ accounts, ledger, loader })
  const quiet = { info: () => {}, warn: () => {}, error: () => {} }
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowBundle,
    activities: createActivities({
      ledger,
      journal,
      accounts,
      policies: catalogue.policies,
      wakeRun: () => Promise.resolve('gone'),
      mailer: createMails().mailer,
      clock: systemClock,
      log: quiet,
    }),
  })
  const running = worker.run()
  await startReconciler(client, taskQueue)
  const beats = new Set<string>()
  const stopLooking = systemClock.every(lookMs, () => void look().catch(() => {}))

  async function look(): Promise<void> {
    const { raw } = await client.workflow.getHandle(reconcileWorkflowId({ from: 0, to: 255 })).describe()
    for (const { activityId, lastHeartbeatTime } of raw.pendingActivities ?? [])
      if (lastHeartbeatTime) beats.add(`${activityId} ${String(lastHeartbeatTime.seconds)} ${lastHeartbeatTime.nanos}`)
  }

  return {
    async openAccount() {
      const accountId = `bench-${randomUUID()}`
      await live.signUp({ accountId, email: `${accountId}@example.com`, timeZone: 'UTC' })
      await live.grant(accountId, {
        id: 'bench',
        source: 'adjustment',
        amount: credits(1_000_000),
        resets: false,
        detail: '',
        by: 'bench',
      })
      return accountId
    },
    charge: (accountId) => spend(ledger, accountId, credits('0.01')),
    async actionsOf(accountId) {
      const counted = { updates: 0, timers: 0, activities: 0, signals: 0 }
      for await (const { runId } of client.workflow.list({ query: `WorkflowId = '${accountWorkflowId(accountId)}'` })) {
        const { events } = await client.workflow.getHandle(accountWorkflowId(accountId), runId).fetchHistory()
        for (const event of events ?? []) {
          if (event.workflowExecutionUpdateAcceptedEventAttributes) counted.updates += 1
          if (event.timerStartedEventAttributes) counted.timers += 1
          if (event.activityTaskScheduledEventAttributes) counted.activities += 1
          if (event.workflowExecutionSignaledEventAttributes) counted.signals += 1
        }
      }
      return counted
    },
    heartbeats: () => beats.size,
    async close() {
      stopLooking()
      worker.shutdown()
      await running
      await connection.close()
      await client.connection.close()
      await ledger.close()
      await journal.close()
      await Promise.all([redis.stop(), temporal.stop()])
    },
  }
}
