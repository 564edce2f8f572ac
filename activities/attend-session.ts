import { Context } from '@temporalio/activity'
import type { SessionFacts } from '../credits/session/facts.ts'
import type { SessionEnd } from '../credits/session/messages.ts'
import type { SessionProgress } from '../credits/session/progress.ts'
import type { Journal } from '../journal/journal.ts'
import type { SessionName } from '../ledger/ledger.ts'
import { entryOf } from '../middleware/sessions/entry-of.ts'
import type { Supervisor } from '../middleware/sessions/supervisor.ts'

export interface AttendSessionDeps {
  readonly supervisor: Pick<Supervisor, 'attend'>
  readonly journal: Pick<Journal, 'sessions'>
}

export interface AttendSession extends SessionName {
  readonly facts: SessionFacts
  readonly progress: SessionProgress
  /** Its end was asked for. */
  readonly endAsked: boolean
  readonly sliceMs: number
}

export type SessionAttended =
  | { readonly over: true; readonly end: SessionEnd }
  | { readonly over: false; readonly progress: SessionProgress }

/** Looks are more frequent. What the next worker does not know of the last seconds it does again, which changes nothing. */
const beatMs = 4_000

/** Looks after a session until it is over and noted, or until it is another's turn. After a death it goes on from the last heartbeat. */
export function createAttendSession({ supervisor, journal }: AttendSessionDeps) {
  return async ({
    accountId,
    sessionId,
    facts,
    endAsked,
    sliceMs,
    ...from
  }: AttendSession): Promise<SessionAttended> => {
    const name = { accountId, sessionId }
    // Looks come from the supervisor's ticker, which knows of no activity.
    const context = Context.current()
    const told = context.info.heartbeatDetails as SessionProgress | undefined
    const progress = told ?? from.progress
    let isAsked = endAsked
    const handOver = new AbortController()
    // A cancellation asks for the end, which takes its course; anything else gives the session to another worker.
    context.cancelled.catch(() => {
      if (context.cancellationDetails?.cancelRequested === true) isAsked = true
      else handOver.abort()
    })
    let beatAtMs = Number.NEGATIVE_INFINITY
    const beat = (now: SessionProgress): void => {
      if (performance.now() - beatAtMs < beatMs) return
      beatAtMs = performance.now()
      context.heartbeat(now)
    }
    const turn = setTimeout(() => handOver.abort(), sliceMs)
    try {
      const ended = await supervisor.attend(
        { ...name, facts, progress },
        { handOver: handOver.signal, endAsked: () => isAsked, onLook: beat },
      )
      if (!ended.over) return ended
      const { startedAtMs, endedAtMs, endReason, charged } = ended
      await journal.sessions.save(entryOf(name, facts, startedAtMs, ended))
      const seconds = Math.ceil((endedAtMs - startedAtMs) / 1_000)
      return {
        over: true,
        end: { id: sessionId, kind: facts.kind, startedAtMs, endedAtMs, seconds, charged, endReason },
      }
    } finally {
      clearTimeout(turn)
    }
  }
}
