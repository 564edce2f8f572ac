import { randomUUID } from 'node:crypto'
import type { SessionKind } from '../../credits/session/session.ts'
import type { AdaptedSession } from '../../middleware/sessions/adapter.ts'
import { newAccountId } from '../workflows/stand.ts'

/** A session as adapters know it, of an account of its own. */
export function newSession(kind: SessionKind, change: Partial<AdaptedSession> = {}): AdaptedSession {
  return {
    accountId: newAccountId(),
    sessionId: randomUUID(),
    kind,
    employee: 'ada',
    organization: '',
    meetingUrl: kind === 'meeting' ? 'https://meet.google.com/abc-defg-hij' : null,
    ...change,
  }
}
