import { createHash } from 'node:crypto'
import { z } from 'zod'
import { isSessionId } from '../../credits/session/minutes.ts'
import { sessionKinds } from '../../credits/session/session.ts'
import { createSignedMessages } from '../../middleware/sessions/adapters/signed-messages.ts'
import { ApiError } from '../error.ts'
import { Id, text } from '../route.ts'
import { beginOrRefuse } from './begin-or-refuse.ts'
import { messageId } from './meeting-bot.ts'
import type { Sender, SenderDeps } from './sender.ts'

const about = { account: Id, session: z.string().refine(isSessionId, 'is no id of a session') }
const Event = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('session.start'),
    data: z.object({
      account: Id,
      /** Their own name for it: a start that is sent again is the same session. */
      call: text(200),
      kind: z.enum(sessionKinds),
      employee: Id,
      organization: Id.or(z.literal('')).default(''),
      message: z.string().max(128).default(''),
    }),
  }),
  z.object({ type: z.literal('session.alive'), data: z.object(about) }),
  z.object({
    type: z.literal('session.end'),
    data: z.object({ ...about, reason: z.enum(['requested', 'left']).default('left') }),
  }),
])
const Typed = z.object({ type: z.string() })
const types: readonly string[] = Event.options.map((option) => option.shape.type.value)

/** A system of a company's own, which begins sessions, gives signs of life and ends them. Throws ApiError 400 for an event of ours that is not as it must be. */
export function createCompanySender(secret: string, { sessions }: SenderDeps): Sender {
  const messages = createSignedMessages(secret)
  return {
    isGenuine: async (body, headers) => messages.isGenuine(body, headers),
    idOf: (_event, headers) => messageId(headers),
    async hear(told) {
      const typed = Typed.safeParse(told)
      if (!typed.success || !types.includes(typed.data.type)) return { outcome: 'ignored' }
      const parsed = Event.safeParse(told)
      if (!parsed.success) throw new ApiError('invalid_request', z.prettifyError(parsed.error))
      const { type, data } = parsed.data
      if (type === 'session.start') {
        const { account, call, kind, employee, organization, message } = data
        return beginOrRefuse(sessions, {
          accountId: account,
          sessionId: sessionIdOf(account, call),
          kind,
          employee,
          organization,
          message,
          adapter: 'webhook',
          meetingUrl: null,
        })
      }
      const name = { accountId: data.account, sessionId: data.session }
      const known = type === 'session.alive' ? await sessions.alive(name) : await sessions.end(name, data.reason)
      if (known === null) return { outcome: 'unknown_session', session: data.session }
      return { outcome: known.state === 'ended' ? 'ended' : 'heard', session: data.session }
    },
  }
}

/** Two companies' systems, and two accounts, may name their calls alike. */
function sessionIdOf(accountId: string, call: string): string {
  return createHash('sha256')
    .update(JSON.stringify(['webhook', accountId, call]))
    .digest('base64url')
    .slice(0, 32)
}
