import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { withAttribution } from '../../../package/temporal.ts'
import { answerWorkflowId, taskQueue } from '../names.ts'
import type { answer, AnswerTask } from '../workflows/answer.ts'
import type { Ended } from '../workflows/messages.ts'
import type { Deps } from './deps.ts'

/**
 * Starts the workflow of one answer, in the name of its employee and message: all that it does is charged under them. Tells how it ended if it has been
 * given already, else null.
 */
export function startAnswer({ client, events }: Pick<Deps, 'client' | 'events'>) {
  return async (task: AnswerTask): Promise<Ended | null> => {
    const { account, employee, conversation, question } = task
    const workflowId = answerWorkflowId(account, task.answer)
    try {
      await withAttribution({ account, employee, message: task.answer }, () =>
        client.workflow.start<typeof answer>('answer', {
          taskQueue,
          workflowId,
          args: [task],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
        }),
      )
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
      return endOf(client, task.answer, workflowId)
    }
    const message = task.answer.slice(conversation.length + 1)
    await events.writer(account, conversation).write({ kind: 'asked', message, text: question, answer: task.answer })
    return null
  }
}

async function endOf(client: Deps['client'], answerId: string, workflowId: string): Promise<Ended | null> {
  const handle = client.workflow.getHandle<typeof answer>(workflowId)
  const { status } = await handle.describe()
  if (status.name === 'RUNNING') return null
  return handle.result().catch(() => ({ answer: answerId, state: 'failed' as const, text: '' }))
}
