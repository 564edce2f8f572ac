import { chargeId, type ChargeId } from '../charge-id.ts'
import { minuteMs } from './price.ts'

/** A session as the ids of its charges name it. */
export interface TimedSession {
  readonly sessionId: string
  /** Redis time. */
  readonly startedAtMs: number
}

/** In which minute (0, 1, …) of a session so many ms lie. */
export function minuteAt(ms: number): number {
  return Math.floor(Math.max(0, ms) / minuteMs)
}

/**
 * The charge of one minute: whoever supervises the session derives the same. Its birth is when it may first be reserved, which is a minute ahead: an id born in the ledger's future would
 * be looked up in the journal each time.
 */
export function minuteCharge({ sessionId, startedAtMs }: TimedSession, minute: number): ChargeId {
  return chargeId(startedAtMs + Math.max(0, minute - 1) * minuteMs, `${sessionId}-${minute}`)
}

const sessionIds = /^[A-Za-z0-9_-]{1,64}$/

export function isSessionId(text: string): boolean {
  return sessionIds.test(text)
}
