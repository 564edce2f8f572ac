import { ApplicationFailure, CancellationScope, log, workflowInfo } from '@temporalio/workflow'
import { own } from './own-activities.ts'

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

async function complete(task: string): Promise<void> {
  const completed = { chain: workflowInfo().firstExecutionRunId, task }
  try {
    // A workflow that was asked to stop and finished its task all the same has finished it
    await CancellationScope.nonCancellable(() => own['tollgate.completeTask'](completed))
  } catch (error) {
    log.warn('a completed task could not be charged', { task, error: String(error) })
  }
}
