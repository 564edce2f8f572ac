import { systemClock as clock } from '../middleware/clock.ts'
import type { SessionAdapters } from '../middleware/sessions/adapter.ts'
import { browserAdapter } from '../middleware/sessions/adapters/browser.ts'
import { createLiveKitAdapter } from '../middleware/sessions/adapters/livekit.ts'
import { createMeetingBotAdapter } from '../middleware/sessions/adapters/meeting-bot.ts'
import { createWebhookAdapter } from '../middleware/sessions/adapters/webhook.ts'
import type { Settings } from './settings.ts'

/** What sessions can run on by these settings; a page that plays the call itself needs none. */
export function sessionAdapters(settings: Settings): SessionAdapters {
  const { LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET } = settings
  const { MEETING_BOT_URL, MEETING_BOT_KEY, SESSION_WEBHOOK_URL, SESSION_WEBHOOK_SECRET } = settings
  return {
    browser: browserAdapter,
    ...(LIVEKIT_URL !== undefined &&
      LIVEKIT_API_KEY !== undefined &&
      LIVEKIT_API_SECRET !== undefined && {
        livekit: createLiveKitAdapter({ url: LIVEKIT_URL, apiKey: LIVEKIT_API_KEY, apiSecret: LIVEKIT_API_SECRET }),
      }),
    ...(MEETING_BOT_URL !== undefined &&
      MEETING_BOT_KEY !== undefined && {
        meeting_bot: createMeetingBotAdapter({ url: MEETING_BOT_URL, key: MEETING_BOT_KEY }),
      }),
    ...(SESSION_WEBHOOK_URL !== undefined &&
      SESSION_WEBHOOK_SECRET !== undefined && {
        webhook: createWebhookAdapter({ url: SESSION_WEBHOOK_URL, secret: SESSION_WEBHOOK_SECRET, clock }),
      }),
  }
}
