import { createServer, type IncomingMessage, type Server } from 'node:http'
import { freePort } from '../../../bin/stack/free-port.ts'
import { createSignedMessages } from '../../../middleware/sessions/adapters/signed-messages.ts'

/** A stretch of time in which something happened, ms by Redis' clock, which is this process' own. */
export interface Window {
  readonly fromMs: number
  readonly toMs: number
}

/** What calls and meetings take place in: the bots of a meeting bot service, and a company's own system. It can die like any other part; its meetings go on meanwhile. */
export interface MediaServer {
  /** By which gateways and workers know it. */
  readonly settings: Readonly<Record<string, string>>
  /** When a session was closed here, by its id. */
  readonly closedAtMs: ReadonlyMap<string, number>
  /** The bot has to go, and the service tells so until a gateway hears it. */
  leave(sessionId: string, urls: readonly string[]): Promise<Window>
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

interface Bot {
  readonly id: string
  readonly metadata: Readonly<Record<string, string>>
  isGone: boolean
}

/** What a request may say, as far as it is looked at. */
interface Asked {
  readonly type?: string
  readonly data?: { readonly session: string }
  readonly metadata?: Bot['metadata']
}

const key = 'the-key-of-a-meeting-bot-service'
const botSecret = `whsec_${Buffer.from('by which the bot service signs').toString('base64')}`
const companySecret = `whsec_${Buffer.from('by which the company signs').toString('base64')}`
const tellAgainMs = 300
const toldWithinMs = 3_000

export async function openMediaServer(): Promise<MediaServer> {
  const port = await freePort()
  const messages = createSignedMessages(botSecret)
  const bots = new Map<string, Bot>()
  const closedAtMs = new Map<string, number>()
  let server: Server | undefined
  let isClosing = false

  const close = (sessionId: string): void => {
    if (!closedAtMs.has(sessionId)) closedAtMs.set(sessionId, Date.now())
  }

  function answer({ url = '', method }: IncomingMessage, text: string): readonly [status: number, body: object] {
    const body = (text === '' ? {} : JSON.parse(text)) as Asked
    if (url === '/events') {
      if (body.type === 'session.end') close(body.data!.session)
      return [200, {}]
    }
    const [, , id, act] = url.split('/')
    if (id === undefined || id === '') return [201, shown(botFor(body.metadata!))]
    const bot = bots.get(id)
    if (bot === undefined) return [404, { detail: 'Not found.' }]
    if (method === 'GET') return [200, shown(bot)]
    if (act !== 'leave_call') return [200, shown(bot)]
    close(bot.metadata['tollgate_session']!)
    if (bot.isGone) return [400, { detail: 'Bot has left the call.' }]
    bot.isGone = true
    return [200, shown(bot)]
  }

  /** The same one for a request that is repeated. */
  function botFor(metadata: Bot['metadata']): Bot {
    const id = `bot-${metadata['tollgate_session']}`
    const bot = bots.get(id) ?? { id, metadata, isGone: false }
    bots.set(id, bot)
    return bot
  }

  const shown = ({ id, metadata, isGone }: Bot): object => ({
    id,
    metadata,
    status: { code: isGone ? 'call_ended' : 'in_call_recording' },
  })

  async function kill(): Promise<void> {
    const dying = server
    server = undefined
    if (dying === undefined) return
    const gone = new Promise<void>((resolve) => dying.close(() => resolve()))
    dying.closeAllConnections()
    await gone
  }

  async function start(): Promise<void> {
    if (server !== undefined || isClosing) return
    const starting = createServer((request, response) => {
      let text = ''
      request.on('data', (chunk: Buffer) => (text += chunk.toString()))
      request.on('end', () => {
        const [status, body] = answer(request, text)
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
    })
    server = starting
    await new Promise<void>((resolve) => starting.listen(port, '127.0.0.1', resolve))
  }

  await start()
  return {
    settings: {
      MEETING_BOT_URL: `http://127.0.0.1:${port}/bots/`,
      MEETING_BOT_KEY: key,
      MEETING_BOT_WEBHOOK_SECRET: botSecret,
      SESSION_WEBHOOK_URL: `http://127.0.0.1:${port}/events`,
      SESSION_WEBHOOK_SECRET: companySecret,
    },
    closedAtMs,
    async leave(sessionId, urls) {
      const bot = bots.get(`bot-${sessionId}`)!
      bot.isGone = true
      const fromMs = Date.now()
      const body = JSON.stringify({
        event: 'bot.call_ended',
        data: { data: { code: 'call_ended' }, bot: { id: bot.id, metadata: bot.metadata } },
      })
      for (let turn = 0; ; turn += 1) {
        const signed = messages.sign({ id: `left-${sessionId}`, at: new Date(), body })
        const heard = await fetch(`${urls[turn % urls.length]}/webhooks/meeting-bot`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json', ...signed },
          signal: AbortSignal.timeout(toldWithinMs),
        }).catch(() => undefined)
        if (heard?.ok) return { fromMs, toMs: Date.now() }
        await new Promise((resolve) => setTimeout(resolve, tellAgainMs))
      }
    },
    kill,
    start,
    async close() {
      isClosing = true
      await kill()
    },
  }
}
