import { createHash } from 'node:crypto'
import { z } from 'zod'
import { platformOf } from '../../../credits/session/platform-of.ts'
import { type AdaptedSession, AdapterRefused, AdapterUnavailable, type SessionAdapter } from '../adapter.ts'
import { type BotWhereabouts, whereaboutsOf } from './bot-status.ts'
import { callService, type ServiceAnswer, usualPatienceMs } from './call-service.ts'

export interface MeetingBotOptions {
  /** Of the service's bots, such as `https://us-east-1.recall.ai/api/v1/bot/`. Whether paths end with a slash follows from it. */
  readonly url: string
  /** What the service is asked with: a key, sent as `Token <key>`, or a whole Authorization header. */
  readonly key: string
  readonly withinMs?: number
}

/** A host who lets nobody in for so long does not want to; some services would wait for hours. */
const waitingRoomSeconds = 600

/** Of a bot, what is needed. The services' answers have dozens of fields more, and differ in them. */
const Bot = z.object({
  id: z.string().min(1).max(200),
  status: z.union([z.string(), z.object({ code: z.string() })]).nullish(),
  status_changes: z.array(z.object({ code: z.string() })).nullish(),
})

/** Employees in meetings that others hold: a bot of a meeting bot service joins by the meeting's address. The requests are those that Recall.ai has and others imitate. */
export function createMeetingBotAdapter({ url, key, withinMs = usualPatienceMs }: MeetingBotOptions): SessionAdapter {
  const authorization = key.includes(' ') ? key : `Token ${key}`
  const slash = url.endsWith('/') ? '/' : ''
  const botUrl = (ref: string, act = ''): string =>
    [url.replace(/\/$/, ''), encodeURIComponent(ref), ...(act === '' ? [] : [act])].join('/') + slash
  const get = (address: string): Promise<ServiceAnswer> =>
    callService({ method: 'GET', url: address, headers: { authorization }, withinMs })
  const post = (address: string, body: object, once = {}): Promise<ServiceAnswer> =>
    callService({
      method: 'POST',
      url: address,
      body: JSON.stringify(body),
      headers: { authorization, ...once },
      withinMs,
      isRepeatable: 'idempotency-key' in once,
    })

  /** Throws AdapterUnavailable where that is not known. */
  async function whereabouts(ref: string): Promise<BotWhereabouts> {
    const answer = await get(botUrl(ref))
    if (answer.status === 404) return 'gone'
    const bot = answer.status === 200 ? Bot.safeParse(answer.body) : undefined
    if (bot?.success !== true) throw refusedNow(answer)
    return whereaboutsSaid(bot.data)
  }

  return {
    async begin(session) {
      const { meetingUrl } = session
      const platform = meetingUrl === null ? null : platformOf(meetingUrl)
      if (platform === null)
        throw new AdapterRefused('this is not the address of a meeting of Google Meet, Zoom or Microsoft Teams')
      const wanted = {
        meeting_url: meetingUrl,
        bot_name: session.employee === '' ? 'AI employee' : session.employee,
        automatic_leave: { waiting_room_timeout: waitingRoomSeconds },
        metadata: { tollgate_account: session.accountId, tollgate_session: session.sessionId },
      }
      const answer = await post(url, wanted, { 'idempotency-key': idempotencyKey(session) })
      if (refusesForGood.includes(answer.status))
        throw new AdapterRefused(`the meeting bot service refuses this meeting: ${saidIn(answer.body)}`)
      const bot = answer.status < 300 ? Bot.safeParse(answer.body) : undefined
      if (bot?.success !== true) throw refusedNow(answer)
      const isIn = whereaboutsSaid(bot.data) === 'inside'
      return { ref: bot.data.id, platform, ...(isIn ? {} : { waits: true }), join: null }
    },
    async look(_session, ref) {
      try {
        return seenAs[await whereabouts(ref)]
      } catch {
        return 'unknown'
      }
    },
    async warn(_session, ref, secondsLeft) {
      const minutes = Math.max(1, Math.round(secondsLeft / 60))
      // Guests are in the meeting too: whose credits run out is not their business
      const message = `I have to leave this meeting in about ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`
      const answer = await post(botUrl(ref, 'send_chat_message'), { to: 'everyone', message })
      if (answer.status >= 300) throw refusedNow(answer)
    },
    async end(_session, ref) {
      const answer = await post(botUrl(ref, 'leave_call'), {})
      if (answer.status < 300 || answer.status === 404) return
      // A bot that has left cannot be told to leave
      if ((await whereabouts(ref)) !== 'gone') throw refusedNow(answer)
    },
  }
}

/** What is wrong with the request stays wrong. A key that is not accepted (401, 403) is the operator's to set right, like a service that is unpaid (402). */
const refusesForGood: readonly number[] = [400, 422]

/** On its way and at the door it costs nothing: only the host knows for how long. */
const seenAs = { coming: 'waiting', inside: 'present', gone: 'gone', unknown: 'unknown' } as const satisfies Record<
  BotWhereabouts,
  string
>

function whereaboutsSaid({ status, status_changes: changes }: z.infer<typeof Bot>): BotWhereabouts {
  const now = typeof status === 'string' ? status : status?.code
  return whereaboutsOf([...(changes ?? []).map(({ code }) => code), ...(now === undefined ? [] : [now])])
}

/** Some services take nothing but a UUID. */
function idempotencyKey({ accountId, sessionId }: AdaptedSession): string {
  const hash = createHash('sha256').update(`${sessionId}:${accountId}`).digest('hex')
  return hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5')
}

function refusedNow({ status, body }: ServiceAnswer): AdapterUnavailable {
  return new AdapterUnavailable(`the meeting bot service answered ${status}: ${saidIn(body)}`)
}

const mostSaid = 300

/** What a service says is wrong, wherever it says so. */
function saidIn(body: unknown): string {
  const said = z
    .object({ detail: z.string() })
    .or(z.object({ message: z.string() }))
    .safeParse(body)
  const text = said.success ? Object.values(said.data)[0]! : (JSON.stringify(body) ?? 'nothing else')
  return text.slice(0, mostSaid)
}
