import { z } from 'zod'
import { isSessionId } from '../../credits/session/minutes.ts'
import type { SessionName } from '../../ledger/ledger.ts'
import { whereaboutsOf } from '../../middleware/sessions/adapters/bot-status.ts'
import { createSignedMessages } from '../../middleware/sessions/adapters/signed-messages.ts'
import type { SessionView } from '../../middleware/sessions/session-view.ts'
import type { Sender, SenderDeps } from './sender.ts'

/** Of the services' events: a bot's new state, and whose bot it is, as it was told when the bot was made. */
const StatusChange = z.object({
  data: z.object({
    data: z.object({ code: z.string() }),
    bot: z.object({ id: z.string().min(1).max(200), metadata: z.record(z.string(), z.unknown()).nullish() }),
  }),
})
/** As the same services had it before, and some have it still. */
const OlderStatusChange = z.object({
  data: z.object({ bot_id: z.string().min(1).max(200), status: z.object({ code: z.string() }) }),
})
const Metadata = z.object({
  tollgate_account: z.string().min(1).max(128),
  tollgate_session: z.string().refine(isSessionId),
})

/** A meeting bot service: where its bots are. A bot that gets into a meeting when its session is over is taken out again. */
export function createMeetingBotSender(secret: string, { sessions, adapters }: SenderDeps): Sender {
  const messages = createSignedMessages(secret)

  async function whose(bot: { readonly id: string; readonly metadata?: unknown }): Promise<SessionName | null> {
    const found = Metadata.safeParse(bot.metadata)
    if (!found.success) return sessions.findByRef('meeting_bot', bot.id)
    return { accountId: found.data.tollgate_account, sessionId: found.data.tollgate_session }
  }

  async function seen(name: SessionName, whereabouts: 'coming' | 'inside' | 'gone'): Promise<SessionView | null> {
    if (whereabouts === 'gone') return sessions.end(name, 'left')
    return whereabouts === 'inside' ? sessions.letIn(name) : sessions.alive(name)
  }

  return {
    isGenuine: async (body, headers) => messages.isGenuine(body, headers),
    idOf: (_event, headers) => messageId(headers),
    async hear(told) {
      const change = changeOf(told)
      if (change === null) return { outcome: 'ignored' }
      const whereabouts = whereaboutsOf([change.code])
      if (whereabouts === 'unknown') return { outcome: 'ignored' }
      const name = await whose(change.bot)
      if (name === null) return { outcome: 'unknown_session', session: change.bot.id }
      const { sessionId: session } = name
      const known = await seen(name, whereabouts)
      if (known === null) return { outcome: 'unknown_session', session }
      if (known.state !== 'ended') return { outcome: 'heard', session }
      if (whereabouts !== 'gone')
        await adapters.meeting_bot?.end({ ...known, meetingUrl: null }, change.bot.id, known.endReason ?? 'left')
      return { outcome: 'ended', session }
    },
  }
}

/** Signed like the message itself. */
export function messageId(headers: Headers): string {
  return headers.get('webhook-id') ?? headers.get('svix-id') ?? ''
}

function changeOf(told: unknown): { code: string; bot: { id: string; metadata?: unknown } } | null {
  const now = StatusChange.safeParse(told)
  if (now.success) return { code: now.data.data.data.code, bot: now.data.data.bot }
  const before = OlderStatusChange.safeParse(told)
  if (!before.success) return null
  return { code: before.data.data.status.code, bot: { id: before.data.data.bot_id } }
}
