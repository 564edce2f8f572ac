import { platformOf } from '../../../credits/session/platform-of.ts'
import type { SessionAdapter } from '../adapter.ts'

/** A page that plays the call itself: there is nothing to make or to close, and the page sends the heartbeats. */
export const browserAdapter: SessionAdapter = {
  begin: async ({ sessionId, meetingUrl }) => ({
    ref: sessionId,
    platform: meetingUrl === null ? null : platformOf(meetingUrl),
    join: null,
  }),
  end: async () => {},
}
