import type { Micro } from '../../credits/money.ts'
import { type SessionRate, sessionPrice } from '../../credits/session/price.ts'
import type { AdapterName, EndReason, Platform, SessionKind, SessionState } from '../../credits/session/session.ts'
import type { SessionEntry } from '../../journal/sessions.ts'
import type { SessionName, SessionRecord } from '../../ledger/ledger.ts'

/** A session as its user sees it, at one moment. */
export interface SessionView extends SessionRate, SessionName {
  readonly kind: SessionKind
  readonly state: SessionState
  readonly employee: string
  readonly organization: string
  readonly message: string
  readonly adapter: AdapterName
  readonly platform: Platform | null
  /** It has yet to be let in: until then it lasts nothing. */
  readonly isWaiting: boolean
  readonly startedAtMs: number
  readonly endedAtMs: number | null
  readonly endReason: EndReason | null
  /** How long it has lasted. */
  readonly ms: number
  /** What that costs; once it has ended and is settled, what was charged. */
  readonly credits: Micro
  /** What can still be paid for, in seconds, while a warning stands. */
  readonly secondsLeft: number | null
}

/** By the ledger, which knows it while it runs and for a day after. */
export function viewOfRecord(
  name: SessionName,
  { startedAtMs, endedAtMs, endReason, secondsLeft, facts, isWaiting }: SessionRecord,
  nowMs: number,
): SessionView {
  const isStarting = endedAtMs === null && (facts.ref === '' || isWaiting)
  const ms = isStarting ? 0 : Math.max(0, (endedAtMs ?? nowMs) - startedAtMs)
  const { kind, employee, organization, message, adapter, platform, perMinute, rounding } = facts
  return {
    accountId: name.accountId,
    sessionId: name.sessionId,
    kind,
    state: endedAtMs !== null ? 'ended' : isStarting ? 'starting' : 'live',
    employee,
    organization,
    message,
    adapter,
    platform,
    isWaiting,
    perMinute,
    rounding,
    startedAtMs,
    endedAtMs,
    endReason,
    ms,
    credits: sessionPrice(ms, facts),
    secondsLeft: endedAtMs === null ? secondsLeft : null,
  }
}

/** By the journal, which keeps it for ever. */
export function viewOfEntry(entry: SessionEntry, nowMs: number): SessionView {
  const { accountId, id, messageId, endedAtMs, startedAtMs, charged } = entry
  const { kind, employee, organization, adapter, platform, perMinute, rounding, endReason } = entry
  // Whether a bot was let in only the ledger knows
  const isWaiting = endedAtMs === null && adapter === 'meeting_bot'
  const ms = isWaiting ? 0 : Math.max(0, (endedAtMs ?? nowMs) - startedAtMs)
  return {
    accountId,
    sessionId: id,
    kind,
    state: endedAtMs !== null ? 'ended' : isWaiting ? 'starting' : 'live',
    employee,
    organization,
    message: messageId,
    adapter,
    platform,
    isWaiting,
    perMinute,
    rounding,
    startedAtMs,
    endedAtMs,
    endReason: endedAtMs === null ? null : endReason,
    ms,
    credits: charged ?? sessionPrice(ms, entry),
    secondsLeft: null,
  }
}
