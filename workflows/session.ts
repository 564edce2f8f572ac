import {
  ActivityCancellationType,
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  defineUpdate,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  TimeoutFailure,
} from '@temporalio/workflow'
import type { SessionActivities } from '../activities/session-activities.ts'
import {
  type SessionAnswer,
  begunUpdate,
  endSignal,
  type SessionResult,
  type SessionRun,
} from '../credits/session/messages.ts'
import type { SessionProgress } from '../credits/session/progress.ts'

const usualSliceMs = 3_600_000
const usualSlicesPerRun = 8

/** Within the workflow's own task: five events less, which for a call of minutes is a third of all, and a caller who waits hears sooner. */
const { openSession } = proxyLocalActivities<Pick<SessionActivities, 'openSession'>>({
  startToCloseTimeout: '20 seconds',
  scheduleToCloseTimeout: '30 seconds',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '2 seconds' },
})

/**
 * A call or a meeting, from its start to its end: one activity looks after it for an hour, then the next one. It counts no minutes itself, so its history does not grow with them. Cancelled, as with a run that
 * awaits it, it ends in good order.
 */
export async function session(run: SessionRun): Promise<SessionResult> {
  const { start, sliceMs = usualSliceMs, slicesPerRun = usualSlicesPerRun } = run
  const { attendSession } = proxyActivities<Pick<SessionActivities, 'attendSession'>>({
    startToCloseTimeout: sliceMs + 60_000,
    // A worker that was killed is replaced after this long. Each session tells of itself once in four fifths of it, and a thousand are many.
    heartbeatTimeout: '20 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '200 milliseconds', maximumInterval: '5 seconds' },
  })
  let answer = run.answer
  let endAsked = run.endAsked ?? false
  let attending: CancellationScope | undefined
  const end = (): void => {
    endAsked = true
    attending?.cancel()
  }
  setHandler(defineUpdate<SessionAnswer>(begunUpdate), async () => {
    await condition(() => answer !== undefined)
    return answer!
  })
  setHandler(defineSignal(endSignal), end)
  CancellationScope.current().cancelRequested.catch(end)

  return CancellationScope.nonCancellable(async () => {
    answer ??= await openSession(start).catch(notOpened)
    if (!answer.ok) return leaveWith<SessionResult>({ refused: answer.refusal })
    const { facts } = answer
    let progress = run.progress ?? answer.progress
    for (let slice = 0; slice < slicesPerRun; slice += 1) {
      const ended = await attend()
      if (ended.over) return leaveWith<SessionResult>(ended.end)
      ;({ progress } = ended)
    }
    await condition(allHandlersFinished)
    return continueAsNew<typeof session>({ ...run, answer, progress, endAsked })

    /** It was told to end while no worker had it, or by one that died of it: Temporal does not try those again. */
    async function attend() {
      attending = new CancellationScope()
      const name = { accountId: start.accountId, sessionId: start.sessionId }
      try {
        return await attending.run(() => attendSession({ ...name, facts, progress, endAsked, sliceMs }))
      } catch (error) {
        if (!isCancellation(error) && !(endAsked && error instanceof ActivityFailure)) throw error
        return { over: false, progress: toldBefore(error) ?? progress } as const
      } finally {
        attending = undefined
      }
    }
  })
}

/** What a worker had told of a session before it died. */
function toldBefore(error: unknown): SessionProgress | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined
  return cause instanceof TimeoutFailure ? (cause.lastHeartbeatDetails as SessionProgress | undefined) : undefined
}

/** An update that came in at the last moment is answered first. */
async function leaveWith<T>(result: T): Promise<T> {
  await condition(allHandlersFinished)
  return result
}

/** It was tried for as long as somebody may wait. */
function notOpened(error: unknown): SessionAnswer {
  if (!(error instanceof ActivityFailure)) throw error
  const { cause } = error
  const message = cause instanceof ApplicationFailure ? cause.message : 'the session could not be opened in time'
  return { ok: false, refusal: { code: 'ledger_unavailable', message } }
}
