import { ApplicationFailure, CancellationScope, log, proxyLocalActivities, workflowInfo } from '@temporalio/workflow'

/** A task that was completed in a chain of runs: retries, resets and continue-as-new are one chain. */
export interface CompletedTask {
  /** The first run of the chain. */
  readonly chain: string
  /** Unique in the chain; '' for the workflow itself. */
  readonly task: string
}

/** Name of the local activity that the plugin adds to each worker. */
export const completeTaskActivity = 'tollgate.completeTask'

const longestId = 200

/**
 * Marks a task as complete: it is charged once per `id` and workflow, however often the workflow says so, in retries, after a reset or continue-as-new.
 * Resolves also when it could not be charged now. Throws ApplicationFailure `TaskIdRefused` for an id that is empty or longer than 200 characters.
 */
export async function completeTask(id: string): Promise<void> {
  if (id === '' || id.length > longestId) {
    throw ApplicationFailure.nonRetryable(`a task's id has 1 to ${longestId} characters`, 'TaskIdRefused')
  }
  await complete(id)
}

/** The workflow itself was a task, and has succeeded. */
export async function completeWorkflow(): Promise<void> {
  await complete('')
}

/** Bounded, since a worker without the plugin would never answer and a workflow must not be stuck with its bill. */
const local = proxyLocalActivities<Record<typeof completeTaskActivity, (task: CompletedTask) => Promise<void>>>({
  startToCloseTimeout: '3s',
  scheduleToCloseTimeout: '8s',
  retry: { maximumAttempts: 3 },
})

async function complete(task: string): Promise<void> {
  const completed: CompletedTask = { chain: workflowInfo().firstExecutionRunId, task }
  try {
    // A workflow that was asked to stop and finished its task all the same has finished it
    await CancellationScope.nonCancellable(() => local[completeTaskActivity](completed))
  } catch (error) {
    log.warn('a completed task could not be charged', { task, error: String(error) })
  }
}
