import type { Micro } from '../money.ts'
import type { Level } from '../terms.ts'
import type { SessionFacts } from './facts.ts'
import type { SessionProgress } from './progress.ts'
import type { AdapterName, EndReason, SessionKind } from './session.ts'

/** Names and shapes of what the session workflow understands. Workflow id: `session/<id>`. */
export const sessionWorkflowId = (sessionId: string): string => `session/${sessionId}`
export const sessionWorkflowType = 'session'
/** What became of the start; answers once that is known. */
export const begunUpdate = 'begun'
/** Ends it, where the ledger cannot be told so. */
export const endSignal = 'end'

/** What somebody wants to begin. */
export interface SessionStart {
  readonly accountId: string
  readonly sessionId: string
  readonly kind: SessionKind
  readonly employee: string
  readonly organization: string
  /** The chat message that it answers; '' for none. */
  readonly message: string
  /** null: what is set up for its kind where Tollgate's worker runs, else the page. */
  readonly adapter: AdapterName | null
  /** Of a meeting that somebody else holds. */
  readonly meetingUrl: string | null
  /** A room that is there already, made by somebody else, whose call this is. */
  readonly room?: string
}

/** Why a session did not begin. The first three want credits: with more of them the same start may be made again. */
export interface SessionRefusal {
  readonly code:
    | 'credits_depleted'
    | 'insufficient_credits'
    | 'budget_exhausted'
    | 'account_unknown'
    /** The catalogue has no such kind of session. */
    | 'session_kind_unknown'
    /** What it would run on is not set up here. */
    | 'adapter_not_configured'
    /** It does not answer now. */
    | 'adapter_unavailable'
    /** It never can, for the reason in the message. */
    | 'adapter_refused'
    /** Nothing is known: ask again. */
    | 'ledger_unavailable'
    /** It had begun and is over: under another id it may begin again. */
    | 'session_over'
  readonly message: string
  /** Of `insufficient_credits`. */
  readonly needed?: Micro
  readonly available?: Micro
  /** Of `budget_exhausted`. */
  readonly level?: Level
  readonly left?: Micro
}

export interface SessionJoin {
  readonly url: string
  readonly token: string
}

export type SessionAnswer =
  | {
      readonly ok: true
      readonly facts: SessionFacts
      readonly progress: SessionProgress
      /** What the user needs to take part. */
      readonly join: SessionJoin | null
    }
  | { readonly ok: false; readonly refusal: SessionRefusal }

/** What a run of the workflow begins with; what follows `start` is handed on by the run before. */
export interface SessionRun {
  readonly start: SessionStart
  readonly answer?: SessionAnswer
  readonly progress?: SessionProgress
  readonly endAsked?: boolean
  /** How long one activity looks after it, and how many do so before the run hands over to the next. */
  readonly sliceMs?: number
  readonly slicesPerRun?: number
}

/** A session that is over, as whoever awaited it hears of it. */
export interface SessionEnd {
  readonly id: string
  readonly kind: SessionKind
  readonly startedAtMs: number
  readonly endedAtMs: number
  /** How long it lasted, rounded up. */
  readonly seconds: number
  /** Micro-credits. */
  readonly charged: Micro
  readonly endReason: EndReason
}

export type SessionResult = SessionEnd | { readonly refused: SessionRefusal }
