import type { ClientInterceptors, WorkflowClientInterceptor } from '@temporalio/client'
import type { Headers } from '@temporalio/common'
import { attributionFrom, currentAttribution, type WorkFor } from './attribution.ts'
import { type Carried, withHeader } from './workflow/carried.ts'

/** A workflow that is about to be started, now or by a schedule. */
export interface Start {
  readonly workflowType: string
  /** '' when a schedule will make one up. */
  readonly workflowId: string
  readonly args: readonly unknown[]
}

export interface ClientDeps {
  /** Whom a start is billed to; undefined leaves it to `withAttribution`. */
  readonly attribution?: ((start: Start) => WorkFor | undefined) | undefined
  readonly tasks: readonly string[]
  /** Runs are billed for the time that they are open. */
  readonly openTime: boolean
}

type OwnClientInterceptors = Required<Pick<ClientInterceptors, 'schedule'>> & {
  readonly workflow: readonly WorkflowClientInterceptor[]
}

/** Write the start header wherever a client starts a workflow. Starts for no account stay as they are. */
export function createClientInterceptors({ attribution, tasks, openTime }: ClientDeps): OwnClientInterceptors {
  function mark(headers: Headers, start: Start, more: Pick<Carried, 'scheduled'> = {}): Headers {
    const named = attribution?.(start)
    const who = named === undefined ? currentAttribution() : attributionFrom(named)
    if (who === undefined) return headers
    return withHeader(headers, {
      ...who,
      ...more,
      ...(openTime ? { openTime } : {}),
      ...(tasks.length === 0 ? {} : { tasks }),
    })
  }
  const startOf = (
    workflowType: string,
    { workflowId, args }: { workflowId: string; args: readonly unknown[] },
  ): Start => ({ workflowType, workflowId, args })

  return {
    workflow: [
      {
        startWithDetails: async (input, next) =>
          next({ ...input, headers: mark(input.headers, startOf(input.workflowType, input.options)) }),
        signalWithStart: async (input, next) =>
          next({ ...input, headers: mark(input.headers, startOf(input.workflowType, input.options)) }),
        startUpdateWithStart: async (input, next) => {
          const start = startOf(input.workflowType, input.workflowStartOptions)
          return next({
            ...input,
            workflowStartHeaders: mark(input.workflowStartHeaders, start),
            updateHeaders: mark(input.updateHeaders, start),
          })
        },
      },
    ],
    schedule: [
      {
        create: async (input, next) => {
          const { workflowType, workflowId, args } = input.options.action
          const start = { workflowType, workflowId, args }
          return next({ ...input, headers: mark(input.headers, start, { scheduled: true }) })
        },
      },
    ],
  }
}
