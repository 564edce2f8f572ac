import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Context } from '@temporalio/activity'
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client'
import type { Workflow } from '@temporalio/common'
import { SimplePlugin } from '@temporalio/plugin'
import {
  type ActivityInterceptorsFactory,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker'
import { Redis } from 'ioredis'
import { startRedis } from '../../bin/stack/redis.ts'
import { startTemporal } from '../../bin/stack/temporal.ts'
import type { Catalogue } from '../../credits/catalogue.ts'
import { creditsToMicro } from '../../credits/money.ts'
import { usualMeterTimes } from '../../middleware/meter.ts'
import { withAttribution } from '../../middleware/temporal/attribution.ts'
import { TollgatePlugin } from '../../middleware/temporal/plugin.ts'
import { catalogueWithRuntime, type Charging, openCharging } from '../../test/temporal-plugin/charging.ts'
import { type Busy, createActivities } from './activities.ts'

/** The same worker twice, on two task queues. */
export type Way = 'without' | 'with'

export interface Stand {
  readonly charging: Charging
  start<W extends Workflow>(
    way: Way,
    accountId: string,
    workflow: W,
    args: Parameters<W>,
  ): Promise<WorkflowHandleWithFirstExecutionRunId<W>>
  /** ms that each activity took so far on the worker of that way, from its arrival there to its answer; forgotten once they are taken. */
  takeDurations(way: Way): readonly number[]
  /** How long Redis takes to answer nothing when both sides were idle, as between two activities, ms: the least that a question to the ledger takes here. */
  pings(count: number): Promise<readonly number[]>
  /** When the activities of a run were under way, as they noted it. */
  busyOf(runId: string): readonly Busy[]
  close(): Promise<void>
}

const catalogue: Catalogue = {
  ...catalogueWithRuntime,
  activities: [
    ...catalogueWithRuntime.activities,
    {
      name: 'bench.priced',
      category: 'tool_calls',
      item: 'connected_app',
      price: creditsToMicro('0.05'),
      per: 'call',
    },
    { name: 'bench.free', free: true },
  ],
}

const idleMs = 20

/** A Redis that syncs every second, a Temporal dev server, and two workers in this process: with the plugin, runtime on, and without. */
export async function openStand(): Promise<Stand> {
  Runtime.install({ logger: new DefaultLogger('ERROR') })
  const closers: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer()
  }
  try {
    return await open()
  } catch (error) {
    await close()
    throw error
  }

  async function open(): Promise<Stand> {
    const redis = await startRedis({ appendonly: 'everysec' })
    closers.push(redis.stop)
    const temporal = await startTemporal()
    closers.push(temporal.stop)
    const { address } = temporal
    const charging = await openCharging(redis.url, { meterTimes: usualMeterTimes, drained: true })
    closers.push(() => charging.close())
    const pinged = new Redis(redis.url)
    closers.push(() => pinged.disconnect())
    const connection = await Connection.connect({ address })
    closers.push(() => connection.close())
    const native = await NativeConnection.connect({ address })
    closers.push(() => native.close())
    const plugin = new TollgatePlugin({ charges: charging.charges, catalogue })
    const clients: Readonly<Record<Way, Client>> = {
      without: new Client({ connection }),
      with: new Client({ connection, plugins: [plugin] }),
    }
    const durations: Record<Way, number[]> = { without: [], with: [] }
    const busy = new Map<string, Busy[]>()
    const activities = createActivities(
      (runId, one) => busy.set(runId, [...(busy.get(runId) ?? []), one]),
      () => Context.current().info.workflowExecution!.runId,
    )
    const queueOf = (way: Way): string => `bench-${way}`
    for (const way of ['without', 'with'] as const) {
      const probe = new Probe((ms) => durations[way].push(ms))
      const worker = await Worker.create({
        connection: native,
        taskQueue: queueOf(way),
        workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
        activities,
        // The last one has the last word on who is outermost
        plugins: way === 'with' ? [plugin, probe] : [probe],
      })
      const run = worker.run()
      closers.push(() => {
        worker.shutdown()
        return run
      })
    }
    return {
      charging,
      start: (way, account, workflow, args) =>
        withAttribution({ account, employee: 'ada', organization: 'lab' }, () =>
          clients[way].workflow.start(workflow, {
            taskQueue: queueOf(way),
            workflowId: randomUUID(),
            args,
          } as never),
        ),
      takeDurations: (way) => durations[way].splice(0),
      async pings(count) {
        const tookMs: number[] = []
        for (let i = 0; i < count; i += 1) {
          await pause(idleMs)
          const startedAt = performance.now()
          await pinged.ping()
          tookMs.push(performance.now() - startedAt)
        }
        return tookMs
      },
      busyOf: (runId) => busy.get(runId) ?? [],
      close,
    }
  }
}

/** Times activities outside of every other interceptor. */
class Probe extends SimplePlugin {
  readonly #factory: ActivityInterceptorsFactory

  constructor(took: (ms: number) => void) {
    super({ name: 'bench.Probe' })
    this.#factory = () => ({
      inbound: {
        async execute(input, next) {
          const startedAt = performance.now()
          try {
            return await next(input)
          } finally {
            took(performance.now() - startedAt)
          }
        },
      },
    })
  }

  override configureWorker(options: WorkerOptions): WorkerOptions {
    const { interceptors = {} } = options
    return {
      ...options,
      interceptors: { ...interceptors, activity: [this.#factory, ...(interceptors.activity ?? [])] },
    }
  }
}
