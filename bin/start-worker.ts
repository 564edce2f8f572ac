import { NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { createActivities } from '../activities/index.ts'
import { createSessionActivities } from '../activities/session-activities.ts'
import { createReconcileMetrics, reportCensus } from '../activities/metrics.ts'
import { createCensus } from '../ledger/census.ts'
import { accountTaskQueue as taskQueue } from '../credits/account/task-queue.ts'
import { systemClock } from '../middleware/clock.ts'
import { createGate } from '../middleware/gate.ts'
import { reportGate } from '../middleware/metrics.ts'
import { startReconciler } from '../middleware/reconcilers.ts'
import { createWakeRun } from '../middleware/wake-run.ts'
import { endAskedFor } from '../middleware/sessions/end-asked-for.ts'
import { createSupervisor } from '../middleware/sessions/supervisor.ts'
import type { Log } from './log.ts'
import { openProcessOutbox, outboxPlace } from './open-process-outbox.ts'
import type { Parts } from './open-parts.ts'
import { sessionAdapters } from './session-adapters.ts'
import type { Settings } from './settings.ts'
import { storeError } from './store-away.ts'

export interface RunningWorker {
  /** Resolves if the worker stops by itself, which it does not do while Temporal is merely away. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

/**
 * Runs Tollgate's workflows and activities on this process. Throws StartError `temporal_unavailable` if Temporal, or its namespace, is not there within the
 * parts' patience.
 */
export async function startWorker(
  parts: Parts,
  workflowBundle: Promise<{ readonly code: string }>,
  settings: Settings,
): Promise<RunningWorker> {
  const { log, temporal } = parts
  routeSdkLogs(log)
  const connection = await parts.patience.untilThere('Temporal', () => connectWorker(parts))
  const { outbox, lost } = await openProcessOutbox(parts, outboxPlace(settings))
  const gate = createGate({
    ledger: parts.ledger,
    findCharge: (accountId, id) => parts.journal.findCharge(accountId, id),
    loadAccount: (accountId) => parts.loader.load(accountId),
    clock: systemClock,
    outbox,
  })
  reportGate(parts.registry, gate, outbox)
  const adapters = sessionAdapters(settings)
  const supervisor = createSupervisor({
    ledger: parts.ledger,
    gate,
    adapters,
    endAskedFor: (name) => endAskedFor(parts.journal, name),
    clock: systemClock,
    log,
  })
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue,
    workflowBundle: await workflowBundle,
    activities: {
      ...createSessionActivities({
        ledger: parts.ledger,
        gate,
        adapters,
        supervisor,
        catalogue: parts.catalogue,
        journal: parts.journal,
        log,
      }),
      ...createActivities({
        ledger: parts.ledger,
        journal: parts.journal,
        accounts: parts.accounts,
        policies: parts.catalogue.policies,
        wakeRun: createWakeRun(parts.client.connection),
        mailer: parts.mailer,
        publicUrl: settings.PUBLIC_URL ?? null,
        leaseMs: parts.holdMs,
        evictAfterMs: settings.EVICT_AFTER_MINUTES === 0 ? null : settings.EVICT_AFTER_MINUTES * 60_000,
        clock: systemClock,
        log,
        ...createReconcileMetrics(parts.registry),
      }),
    },
    // Each session that is under way is one, and must not keep others from beginning.
    maxConcurrentActivityTaskExecutions: mostActivities,
    // A worker that was killed keeps its workflows' next tasks for this long; callers wait five seconds for an answer.
    stickyQueueScheduleToStartTimeout: '2 seconds',
  })
  reportCensus(parts.registry, createCensus(parts.redis))
  const ended = worker.run()
  return {
    ended: Promise.race([ended, lost]),
    async close() {
      if (worker.getState() === 'RUNNING') worker.shutdown()
      await ended
      supervisor.close()
      await connection.close()
      // Sessions were handed over: what is settled here is seen through.
      await gate.close(drainMs)
      await outbox.close(0)
    },
  }
}

/** The reconcile workflow is started with it: that a server takes work shows by giving it some, and a server that has just begun has no namespace yet. */
async function connectWorker({ client, temporal }: Parts): Promise<NativeConnection> {
  let connection: NativeConnection | undefined
  try {
    connection = await NativeConnection.connect({ address: temporal.address })
    await client.withDeadline(Date.now() + answerWithinMs, () => startReconciler(client, taskQueue))
    return connection
  } catch (error) {
    await connection?.close()
    const reason = error instanceof Error ? messageOf(error) : String(error)
    const message = `Temporal does not answer at ${temporal.address}: ${reason}`
    throw storeError('temporal_unavailable', message, error)
  }
}

const drainMs = 10_000
const mostActivities = 2_000
const answerWithinMs = 10_000

/** gRPC says what it was about one level below. */
function messageOf(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

/** The SDK's native part keeps one logger for the whole process. */
function routeSdkLogs(log: Log): void {
  Runtime.install({
    logger: {
      log: (level, message, fields) => log[sdkLevels[level]](fields ?? {}, message),
      trace: (message, fields) => log.trace(fields ?? {}, message),
      debug: (message, fields) => log.debug(fields ?? {}, message),
      info: (message, fields) => log.debug(fields ?? {}, message),
      warn: (message, fields) => log.warn(fields ?? {}, message),
      error: (message, fields) => log.error(fields ?? {}, message),
    },
    // Signals are ours: the order in which the parts of a process end matters.
    shutdownSignals: [],
  })
}

// What the SDK calls information (a bundle's size, a worker's state) is a developer's detail here.
const sdkLevels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const
