import { isSessionId } from '../credits/session/minutes.ts'
import { type EndReason, endReasons } from '../credits/session/session.ts'
import type { SessionFacts } from '../credits/session/facts.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { SessionName, SessionReading, SessionRecord, SessionRequest } from './ledger.ts'
import { asReply, integerOf, type Reply, textOf } from './replies.ts'

/** Long after the end of the longest session: what came of it can be read here until then. */
const keptMs = 86_400_000

/** Begins a session, tells of a sign of life, ends it, or reads it: see SessionRequest. Throws RangeError for a name that is none. */
export async function session(context: LedgerContext, request: SessionRequest): Promise<SessionReading> {
  const { sessionId, act } = request
  const { session: key, openSessions } = sessionKeys(request)
  const args = [act, sessionId, keptMs, ...argumentsOf(request)]
  const [now, ...record] = asReply(await context.run('session', [key, openSessions], args))
  return { nowMs: integerOf(now), record: parseRecord(record) }
}

function argumentsOf(request: SessionRequest): readonly (string | number)[] {
  switch (request.act) {
    case 'begin':
      return [JSON.stringify(request.facts), request.startedAtMs ?? '', request.aliveAtMs ?? '', waits(request.facts)]
    case 'note':
      return [JSON.stringify(request.facts), waits(request.facts)]
    case 'admit':
      return [request.startedAtMs ?? '']
    case 'end':
      return [request.reason, request.latestMs ?? '', request.unlessAliveAfterMs ?? '']
    case 'warn':
      return [request.secondsLeft ?? '']
    default:
      return []
  }
}

const waits = (facts: SessionFacts): string => (facts.waits === true ? '1' : '')

export function sessionKeys({ accountId, sessionId }: SessionName): {
  readonly session: string
  readonly openSessions: string
} {
  if (!isSessionId(sessionId)) throw new RangeError(`not the id of a session: ${sessionId}`)
  const { session: keyOf, openSessions } = accountKeys(accountId)
  return { session: keyOf(sessionId), openSessions }
}

/** null where there is no such session. */
export function parseRecord(reply: Reply): SessionRecord | null {
  if (reply.length === 0) return null
  const [began, alive, ended, reason, left, facts, isWaiting] = reply
  return {
    startedAtMs: integerOf(began),
    aliveAtMs: integerOf(alive),
    ...(ended === 0
      ? { endedAtMs: null, endReason: null }
      : { endedAtMs: integerOf(ended), endReason: reasonOf(textOf(reason)) }),
    secondsLeft: left === -1 ? null : integerOf(left),
    facts: JSON.parse(textOf(facts)) as SessionFacts,
    isWaiting: isWaiting === 1,
  }
}

function reasonOf(text: string): EndReason {
  const reason = endReasons.find((each) => each === text)
  if (reason === undefined) throw new TypeError(`a session ended for a reason that nobody knows: ${text}`)
  return reason
}
