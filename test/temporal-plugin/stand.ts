import { randomUUID } from 'node:crypto'
import { Client, Connection } from '@temporalio/client'
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker'
import { inject } from 'vitest'
import { TollgatePlugin, type TollgatePluginOptions } from '../../middleware/temporal/plugin.ts'
import type { PluginEvent } from '../../middleware/temporal/events.ts'
import { createWakeAccount } from '../../activities/wake-runs.ts'
import { systemClock } from '../../middleware/clock.ts'
import { createWakeRun } from '../../middleware/wake-run.ts'
import { silent } from '../workflows/ledger-stand.ts'
import { createActivities, type Seen } from './activities.ts'
import { catalogue, type Charging, openCharging } from './charging.ts'
import { workflowsPath } from './workflows-path.ts'

Runtime.install({ logger: new DefaultLogger('ERROR') })

export interface Stand extends Charging {
  readonly address: string
  readonly taskQueue: string
  readonly plugin: TollgatePlugin
  /** A client with the plugin. */
  readonly client: Client
  /** A client without it. */
  readonly bare: Client
  /** Made with the plugin. */
  readonly bundle: WorkflowBundleWithSourceMap
  readonly seen: Seen[]
  readonly events: PluginEvent[]
  newPlugin(options?: Partial<TollgatePluginOptions>): TollgatePlugin
  /** Tells parked runs of the account that they may go on, as Tollgate's own worker does. */
  wake(accountId: string): Promise<void>
  startWorker(options?: Partial<WorkerOptions>): Promise<() => Promise<void>>
  close(): Promise<void>
}

export const tasks = ['report', 'hardReport', 'failedReport', 'endlessReport', 'stubbornReport']

/** Client and workers with one plugin, on the test run's Temporal and Redis. */
export async function openStand(options: Partial<TollgatePluginOptions> = {}): Promise<Stand> {
  const address = inject('temporalAddress')
  const taskQueue = `plugin-${randomUUID()}`
  const charging = await openCharging(inject('redisUrl'))
  const seen: Seen[] = []
  const events: PluginEvent[] = []
  const newPlugin = (more: Partial<TollgatePluginOptions> = {}) =>
    new TollgatePlugin({
      charges: charging.charges,
      catalogue,
      tasks,
      depletedRetryMs: 200,
      onEvent: (event) => void events.push(event),
      ...options,
      ...more,
    })
  const plugin = newPlugin()
  const bundle = await bundleWorkflowCode({ workflowsPath, plugins: [plugin], logger: new DefaultLogger('ERROR') })
  const connection = await Connection.connect({ address })
  const native = await NativeConnection.connect({ address })
  const wakeAccount = createWakeAccount({
    ledger: charging.ledger,
    clock: systemClock,
    log: silent,
    wakeRun: createWakeRun(connection),
  })
  const stops: (() => Promise<void>)[] = []
  return {
    ...charging,
    address,
    taskQueue,
    plugin,
    bundle,
    seen,
    events,
    client: new Client({ connection, plugins: [plugin] }),
    bare: new Client({ connection }),
    newPlugin,
    wake: (accountId) => wakeAccount(accountId, new AbortController().signal),
    async startWorker(more = {}) {
      const worker = await Worker.create({
        connection: native,
        taskQueue,
        workflowBundle: bundle,
        activities: createActivities(seen),
        plugins: [plugin],
        stickyQueueScheduleToStartTimeout: '1 second',
        ...more,
      })
      const run = worker.run()
      let stopping: Promise<void> | undefined
      const stop = () =>
        (stopping ??= (async () => {
          worker.shutdown()
          await run
        })())
      stops.push(stop)
      return stop
    },
    async close() {
      await Promise.all(stops.map((stop) => stop()))
      await native.close()
      await connection.close()
      await charging.close()
    },
  }
}
