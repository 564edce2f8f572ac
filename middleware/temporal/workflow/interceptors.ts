import type { Headers } from '@temporalio/common'
import { type WorkflowInterceptors, workflowInfo } from '@temporalio/workflow'
import { type ActivityNote, attributionOf, type Carried, readCarried, withHeader } from './carried.ts'
import { completeWorkflow } from './complete-task.ts'

/**
 * Hands the start header on to whatever the workflow starts; Temporal itself gives children and continued runs an empty one. Where nothing has to be waited for,
 * the very promise of `next` is returned: one more step of the event loop would reorder the commands of histories that were recorded without us.
 */
export function interceptors(): WorkflowInterceptors {
  let carried: Carried | undefined

  const tellActivity = (headers: Headers, more: ActivityNote = {}): Headers =>
    withHeader(headers, { ...(carried === undefined ? {} : attributionOf(carried)), ...more })
  const handOn = (headers: Headers, value: Carried | undefined): Headers =>
    value === undefined ? headers : withHeader(headers, value)

  return {
    inbound: [
      {
        execute(input, next) {
          carried = readCarried(input.headers)
          if (carried?.tasks?.includes(workflowInfo().workflowType) !== true) return next(input)
          return (async () => {
            // Failed, cancelled and continued runs leave here by throwing
            const result = await next(input)
            await completeWorkflow()
            return result
          })()
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next({ ...input, headers: tellActivity(input.headers) }),
        scheduleLocalActivity: (input, next) =>
          next({
            ...input,
            headers: tellActivity(input.headers, { bornMs: workflowInfo().startTime.getTime() }),
          }),
        startChildWorkflowExecution: (input, next) =>
          next({ ...input, headers: handOn(input.headers, childOf(carried)) }),
        continueAsNew: (input, next) => next({ ...input, headers: handOn(input.headers, carried) }),
      },
    ],
  }
}

/** No schedule starts a child: its parent does. */
function childOf(carried: Carried | undefined): Carried | undefined {
  if (carried === undefined) return undefined
  const { scheduled: _, ...rest } = carried
  return rest
}
