import { type AttendSessionDeps, createAttendSession } from './attend-session.ts'
import { createOpenSession, type OpenSessionDeps } from './open-session.ts'

export type SessionActivities = ReturnType<typeof createSessionActivities>

/** What the session workflow calls. */
export function createSessionActivities(deps: OpenSessionDeps & AttendSessionDeps) {
  return { openSession: createOpenSession(deps), attendSession: createAttendSession(deps) }
}
