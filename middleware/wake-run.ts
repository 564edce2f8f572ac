import { Client, type ConnectionLike, WorkflowNotFoundError } from '@temporalio/client'
import { type ParkedRun, resumeSignal } from '../credits/parked-run.ts'

/** Tells a parked run to go on. `gone` when it has ended by other means. Rejects when Temporal does not answer. */
export type WakeRun = (run: ParkedRun) => Promise<'woken' | 'gone'>

/** Runs of every namespace that the connection may signal. */
export function createWakeRun(connection: ConnectionLike): WakeRun {
  const clients = new Map<string, Client>()
  return async ({ namespace, workflowId, runId }) => {
    let client = clients.get(namespace)
    if (client === undefined) {
      client = new Client({ connection, namespace })
      clients.set(namespace, client)
    }
    try {
      await client.workflow.getHandle(workflowId, runId).signal(resumeSignal)
      return 'woken'
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return 'gone'
      throw error
    }
  }
}
