import type { SessionRefusal, SessionStart } from '../../credits/session/messages.ts'
import type { Sessions } from '../../middleware/sessions/sessions.ts'
import { ApiError, retryAfter } from '../error.ts'
import type { Heard } from './sender.ts'

/** Refusals by which nothing is known: whoever sent the event sends it again. */
const passing: readonly SessionRefusal['code'][] = ['ledger_unavailable', 'adapter_unavailable']

/** Begins a session that an event asks for. Throws ApiError 503 when it cannot be begun now. */
export async function beginOrRefuse(sessions: Pick<Sessions, 'start'>, start: SessionStart): Promise<Heard> {
  const answer = await sessions.start(start)
  if (answer.ok) return { outcome: 'heard', session: start.sessionId }
  const { code, message } = answer.refusal
  if (passing.includes(code)) throw new ApiError('adapter_unavailable', message, retryAfter)
  return { outcome: 'refused', code, message }
}
