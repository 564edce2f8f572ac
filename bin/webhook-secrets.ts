import type { WebhookSecrets } from '../gateway/webhooks/webhook-routes.ts'
import type { Settings } from './settings.ts'

/** By what the systems that sessions run on sign their events, as far as there are any. */
export function webhookSecrets(settings: Settings): WebhookSecrets {
  const { LIVEKIT_URL, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = settings
  return {
    livekit:
      LIVEKIT_URL === undefined || apiKey === undefined || apiSecret === undefined ? null : { apiKey, apiSecret },
    meetingBot: settings.MEETING_BOT_WEBHOOK_SECRET ?? null,
    company: settings.SESSION_WEBHOOK_SECRET ?? null,
  }
}
