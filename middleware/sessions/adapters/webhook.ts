import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import { type AdaptedSession, AdapterRefused, AdapterUnavailable, type SessionAdapter } from '../adapter.ts'
import { callService, type ServiceAnswer, usualPatienceMs } from './call-service.ts'
import { createSignedMessages } from './signed-messages.ts'

export interface WebhookOptions {
  /** Where the events go. */
  readonly url: string
  /** By which both sides sign, in base64. */
  readonly secret: string
  readonly clock: Pick<Clock, 'now'>
  readonly withinMs?: number
}

/** What the answer to `session.begin` may say. */
const Begun = z.object({
  ref: z.string().min(1).max(200).optional(),
  join: z.object({ url: z.url().max(2_048), token: z.string().max(8_192) }).nullish(),
})
const Refused = z.object({ message: z.string().min(1) })

/** Answers by which a company's system says no: for this session, for good. */
const refusals: readonly number[] = [403, 422]
/** To an end: it has no such session any more. */
const forgotten: readonly number[] = [404, 410]

const mostSaid = 300

/** Calls and meetings in a system of the company's own, which hears of them by signed events, and sends signs of life and ends in the same way. */
export function createWebhookAdapter({
  url,
  secret,
  clock,
  withinMs = usualPatienceMs,
}: WebhookOptions): SessionAdapter {
  const messages = createSignedMessages(secret)

  async function send(type: string, session: AdaptedSession, told: object, once = ''): Promise<ServiceAnswer> {
    const { accountId, sessionId, kind, employee, organization, meetingUrl } = session
    const at = new Date(clock.now())
    const body = JSON.stringify({
      type,
      timestamp: at.toISOString(),
      data: { account: accountId, session: sessionId, kind, employee, organization, meetingUrl, ...told },
    })
    const id = idOf([type, accountId, sessionId, once])
    const headers = messages.sign({ id, at, body })
    return callService({ method: 'POST', url, headers, body, withinMs, isRepeatable: true })
  }

  return {
    async begin(session) {
      const answer = await send('session.begin', session, {})
      if (refusals.includes(answer.status)) throw new AdapterRefused(saidIn(answer.body))
      taken(answer)
      // An answer may be empty; one that says something else than it means is no begin
      const begun = Begun.safeParse(answer.body ?? {})
      if (!begun.success)
        throw new AdapterUnavailable(`the answer to session.begin cannot be read: ${begun.error.message}`)
      return { ref: begun.data.ref ?? session.sessionId, platform: null, join: begun.data.join ?? null }
    },
    async warn(session, ref, secondsLeft) {
      taken(await send('session.warn', session, { ref, secondsLeft }, String(secondsLeft)))
    },
    async end(session, ref, reason) {
      const answer = await send('session.end', session, { ref, reason })
      if (!forgotten.includes(answer.status)) taken(answer)
    },
  }
}

function taken({ status }: ServiceAnswer): void {
  if (status >= 300) throw new AdapterUnavailable(`the system that sessions run in answered ${status}`)
}

function saidIn(body: unknown): string {
  const said = Refused.safeParse(body)
  return said.success ? said.data.message.slice(0, mostSaid) : 'the system that sessions run in refuses this one'
}

function idOf(parts: readonly string[]): string {
  return `msg_${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`
}
