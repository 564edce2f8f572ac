import { createRoute, z } from '@hono/zod-openapi'
import type { HeardMessages } from '../../ledger/heard-messages.ts'
import { AdapterUnavailable } from '../../middleware/sessions/adapter.ts'
import type { Log } from '../deps.ts'
import { ApiError, retryAfter } from '../error.ts'
import { maxBytes, readBounded } from '../json-body.ts'
import { parseBody } from '../parse-body.ts'
import { type Api, ErrorAnswer, json } from '../route.ts'
import { createCompanySender } from './company.ts'
import { createLiveKitSender, type LiveKitKeys } from './livekit.ts'
import { createMeetingBotSender } from './meeting-bot.ts'
import type { Sender, SenderDeps } from './sender.ts'

/** By what events are signed; null: there are none here. */
export interface WebhookSecrets {
  readonly livekit: LiveKitKeys | null
  readonly meetingBot: string | null
  readonly company: string | null
}

export interface WebhookDeps extends SenderDeps {
  readonly secrets: WebhookSecrets
  readonly heard: HeardMessages
  readonly log: Log
}

const Outcome = z
  .object({
    outcome: z.enum(['heard', 'ended', 'ignored', 'repeated', 'unknown_session', 'refused']).openapi({
      description:
        '`ended`: the session is over. `repeated`: it was heard before. `refused`: the session that it asks for cannot begin, for the reason in `code`.',
    }),
    session: z.string().optional(),
    code: z.string().optional(),
    message: z.string().optional(),
  })
  .openapi('WebhookOutcome')

const routeOf = <P extends string>(path: P, summary: string, description: string) =>
  createRoute({
    method: 'post',
    path,
    tags: ['Webhooks'],
    security: [],
    summary,
    description,
    responses: {
      200: json(Outcome, 'The sender is done with it'),
      401: json(ErrorAnswer, '`signature_invalid`'),
      404: json(ErrorAnswer, '`not_found`: none are taken here, since the secret is not set'),
      413: json(ErrorAnswer, '`body_too_large`'),
      503: json(ErrorAnswer, 'a part does not answer: send it again'),
    },
  })

const signed = 'Signed as standardwebhooks.com says; headers `webhook-…`, or `svix-…`.'
const fromLiveKit = routeOf(
  '/webhooks/livekit',
  'A LiveKit server tells who joins and leaves',
  'Signed by the server with its API key. Give it this address under `webhook.urls`.',
)
const fromMeetingBot = routeOf(
  '/webhooks/meeting-bot',
  'A meeting bot service tells where its bots are',
  `${signed} The secret is the service’s: MEETING_BOT_WEBHOOK_SECRET.`,
)
const fromCompany = routeOf(
  '/webhooks/sessions',
  'A system of your own begins and ends sessions, and gives signs of life',
  `${signed} \`{"type", "data"}\` with the types \`session.start\` (data: account, call, kind, employee, organization?, message?), \`session.alive\` and \`session.end\` (data: account, session, reason?). The secret is SESSION_WEBHOOK_SECRET.`,
)

/** `/webhooks/*`: signed events of the systems that sessions run on. Without `deps` none are taken. */
export function webhookRoutes(app: Api, deps: WebhookDeps | undefined): void {
  const { livekit = null, meetingBot = null, company = null } = deps?.secrets ?? {}
  const mounted = [
    [fromLiveKit, 'LIVEKIT_URL', livekit && createLiveKitSender(livekit, deps!)],
    [fromMeetingBot, 'MEETING_BOT_WEBHOOK_SECRET', meetingBot && createMeetingBotSender(meetingBot, deps!)],
    [fromCompany, 'SESSION_WEBHOOK_SECRET', company && createCompanySender(company, deps!)],
  ] as const
  for (const [route, setting, sender] of mounted)
    app.openapi(route, async (c) => {
      if (deps === undefined || !sender)
        throw new ApiError('not_found', `no events are taken at ${route.path}: see ${setting}`)
      return c.json(await receive(deps, sender, route.path, c.req.raw), 200)
    })
}

async function receive(
  deps: WebhookDeps,
  sender: Sender,
  path: string,
  request: Request,
): Promise<z.infer<typeof Outcome>> {
  const bytes = await readBounded(request)
  if (bytes === undefined) throw new ApiError('body_too_large', `an event may have at most ${maxBytes} bytes`)
  const { headers } = request
  if (!(await sender.isGenuine(bytes.toString(), headers)))
    throw new ApiError('signature_invalid', 'the event is not signed by the secret that was agreed on, or too long ago')
  const parsed = parseBody(bytes, maxBytes)
  if (!parsed.ok) throw new ApiError('malformed_json', parsed.error.message)
  const id = sender.idOf(parsed.value, headers)
  if (await deps.heard.wasHeard(path, id)) return { outcome: 'repeated' }
  const heard = await sender.hear(parsed.value).catch((error: unknown) => {
    if (error instanceof AdapterUnavailable) throw new ApiError('adapter_unavailable', error.message, retryAfter, error)
    throw error
  })
  if (heard.outcome === 'unknown_session' || heard.outcome === 'refused')
    deps.log.warn(
      { code: `webhook_${heard.outcome}`, path, event: heard },
      'an event concerns no session that runs here',
    )
  await deps.heard.note(path, id)
  return heard
}
