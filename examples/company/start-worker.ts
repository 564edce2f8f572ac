import { NativeConnection, Worker } from '@temporalio/worker'
import type { TollgatePlugin } from '../../package/temporal.ts'
import type { Activities } from './activities/index.ts'
import { taskQueue } from './names.ts'

export interface WorkerOptions {
  readonly temporal: { readonly address: string; readonly namespace: string }
  readonly plugin: TollgatePlugin
  readonly workflowBundle: { readonly code: string }
  readonly activities: Activities
}

export interface RunningWorker {
  /** Resolves, or rejects, if it stops by itself. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

export async function startWorker({
  temporal: { address, namespace },
  plugin,
  ...options
}: WorkerOptions): Promise<RunningWorker> {
  const connection = await NativeConnection.connect({ address })
  const worker = await Worker.create({ connection, namespace, taskQueue, plugins: [plugin], ...options })
  const ended = worker.run()
  return {
    ended,
    async close() {
      if (worker.getState() === 'RUNNING') worker.shutdown()
      await ended
      await connection.close()
    },
  }
}
