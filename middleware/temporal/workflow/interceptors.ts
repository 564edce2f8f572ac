import type { Headers } from '@temporalio/common'
import { scheduleActivity, scheduleLocalActivity, type WorkflowInterceptors, workflowInfo } from '@temporalio/workflow'
import { isFirstOfChain, skippedAtZero } from './admission.ts'
import { type ActivityNote, attributionOf, type Carried, readCarried, withHeader } from './carried.ts'
import { completeWorkflow } from './complete-task.ts'
import { isOwnActivity } from './own-activities.ts'
import { nameInScope } from './in-name-of.ts'
import { meterOpenTime, type OpenTime } from './open-time.ts'
import { type Again, createParking, type Parking } from './parking.ts'
import { inNameOfRun } from './sessions.ts'

/** In the options of a step that is scheduled again: symbols survive what other interceptors make of options. */
const again = Symbol('tollgate.again')

interface Scheduled {
  readonly [again]?: Again
}

/**
 * Hands the start header on to whatever the workflow starts; Temporal itself gives children and continued runs an empty one. In runs that have it, steps that are
 * refused park. Runs without it are older than the plugin, or nobody's: they get the very promise of `next`, since one more step of the event loop would reorder the
 * commands of histories that were recorded without us.
 */
export function interceptors(): WorkflowInterceptors {
  let carried: Carried | undefined
  let parking: Parking | undefined
  let openTime: OpenTime | undefined
  const firsts = new WeakMap<readonly unknown[], string>()

  const tellActivity = (headers: Headers, more: ActivityNote = {}): Headers =>
    withHeader(headers, {
      ...(carried === undefined
        ? {}
        : { ...attributionOf(carried), ...nameInScope(), ...openTimeOf(carried), parks: true }),
      ...more,
    })
  const handOn = (headers: Headers, value: Carried | undefined): Headers =>
    value === undefined ? headers : withHeader(headers, value)

  /** After a long back-off the SDK makes another local activity of the next attempt: for its charges it is the same one. */
  const firstOf = (seq: number, attempt: number, args: readonly unknown[]): ActivityNote => {
    if (attempt === 1) firsts.set(args, String(seq))
    const resumes = firsts.get(args)
    return attempt === 1 || resumes === undefined ? {} : { resumes }
  }

  return {
    inbound: [
      {
        execute(input, next) {
          carried = readCarried(input.headers)
          if (carried === undefined) return next(input)
          parking = createParking(() => openTime)
          const isMetered = carried.openTime === true
          const asksFirst = carried.scheduled === true && isFirstOfChain()
          const isTask = carried.tasks?.includes(workflowInfo().workflowType) === true
          if (!asksFirst && !isTask && !isMetered) return next(input)
          return (async () => {
            try {
              const skipped = asksFirst ? await skippedAtZero() : undefined
              if (skipped !== undefined) return skipped
              if (isMetered) openTime = meterOpenTime()
              // Failed, cancelled and continued runs leave here by throwing
              const result = await next(input)
              if (isTask) await completeWorkflow()
              return result
            } finally {
              await openTime?.end()
            }
          })()
        },
      },
    ],
    outbound: [
      {
        scheduleActivity(input, next) {
          const { activityType, args, options, typeInfo } = input
          const before = (options as Scheduled)[again]
          const running = next({ ...input, headers: tellActivity(input.headers, resumed(before)) })
          if (parking === undefined) return running
          return parking.through(running, before, (mark) =>
            scheduleActivity(activityType, args, marked(options, mark), typeInfo),
          )
        },
        scheduleLocalActivity(input, next) {
          const { activityType, args, options, typeInfo } = input
          const before = (options as Scheduled)[again]
          const bornMs = workflowInfo().startTime.getTime()
          const note = { bornMs, ...firstOf(input.seq, input.attempt, args), ...resumed(before) }
          const running = next({ ...input, headers: tellActivity(input.headers, note) })
          if (parking === undefined || isOwnActivity(activityType)) return running
          return parking.through(running, before, (mark) =>
            scheduleLocalActivity(activityType, args, marked(options, mark), typeInfo),
          )
        },
        startChildWorkflowExecution(input, next) {
          const child = childOf(carried)
          const options = child === undefined ? input.options : inNameOfRun(input.options, child)
          return next({ ...input, options, headers: handOn(input.headers, child) })
        },
        continueAsNew(input, next) {
          const continued = { ...input, headers: handOn(input.headers, carried) }
          if (openTime === undefined) return next(continued)
          const ended = openTime.end()
          return (async () => {
            await ended
            return next(continued)
          })()
        },
      },
    ],
  }
}

function marked<Options extends object>(options: Options, mark: Again): Options & Scheduled {
  return { ...options, [again]: mark }
}

function openTimeOf({ openTime }: Carried): ActivityNote {
  return openTime === true ? { openTime } : {}
}

function resumed(before: Again | undefined): ActivityNote {
  return before === undefined ? {} : { bornMs: before.bornMs, resumes: before.activityId }
}

/** No schedule starts a child: its parent does. */
function childOf(carried: Carried | undefined): Carried | undefined {
  if (carried === undefined) return undefined
  const { scheduled: _, ...rest } = carried
  return { ...rest, ...nameInScope() }
}
