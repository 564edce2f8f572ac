import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'

export interface Bot {
  readonly id: string
  readonly meeting_url: string
  readonly bot_name: string
  readonly metadata: Readonly<Record<string, string>>
  readonly status_changes: { code: string; sub_code: string | null; created_at: string }[]
  readonly chat: string[]
}

/** What the service does with its next requests. */
export type Fault =
  | { readonly status: number; readonly body?: string }
  | { readonly cut: true }
  /** It does what is asked, and the answer is lost. */
  | { readonly unheard: true }
  | { readonly silent: true }

export interface BotService {
  /** Of its bots. */
  readonly url: string
  readonly key: string
  readonly webhookSecret: string
  readonly bots: Map<string, Bot>
  /** Path and method of each request. */
  readonly asked: string[]
  /** Faults of the next requests, in their order. */
  readonly faults: Fault[]
  /** A bot's next state, as the meeting brings it about; told by webhook where there is one. */
  happens(bot: Bot, code: string, subCode?: string): Promise<void>
  /** A webhook's answer's status. */
  readonly delivered: number[]
  close(): Promise<void>
}

const over = ['call_ended', 'done', 'fatal']

/** A meeting bot service on the loopback interface: its HTTP API as the services share it, meetings by the test's word. */
export async function startBotService({ webhookUrl }: { readonly webhookUrl?: string } = {}): Promise<BotService> {
  const key = randomUUID()
  const webhookSecret = `whsec_${Buffer.from(randomUUID()).toString('base64')}`
  const bots = new Map<string, Bot>()
  const byKey = new Map<string, Bot>()
  const asked: string[] = []
  const faults: Fault[] = []
  const delivered: number[] = []
  const silent: ServerResponse[] = []

  function answer(request: IncomingMessage, text: string): { readonly status: number; readonly body: unknown } {
    if (request.headers.authorization !== `Token ${key}`) return { status: 401, body: { detail: 'Invalid token.' } }
    const [, , , , id, act] = request.url!.split('/')
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, string>
    if (id === undefined || id === '') return create(request, body)
    const bot = bots.get(id)
    if (bot === undefined) return { status: 404, body: { detail: 'Not found.' } }
    if (request.method === 'GET') return { status: 200, body: bot }
    if (over.includes(bot.status_changes.at(-1)!.code))
      return { status: 400, body: { code: 'cannot_command_completed_bot', detail: 'Bot has left the call.' } }
    if (act === 'leave_call') void happens(bot, 'call_ended', 'bot_received_leave_call')
    else if (act === 'send_chat_message') bot.chat.push(body['message']!)
    return { status: 200, body: bot }
  }

  function create({ headers }: IncomingMessage, body: Record<string, unknown>): { status: number; body: unknown } {
    const idempotencyKey = String(headers['idempotency-key'])
    if (!/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/.test(idempotencyKey))
      return { status: 400, body: { detail: 'Idempotency-Key must be a UUID.' } }
    const known = byKey.get(idempotencyKey)
    if (known !== undefined) return { status: 201, body: known }
    const bot = {
      ...(body as Pick<Bot, 'meeting_url' | 'bot_name' | 'metadata'>),
      id: randomUUID(),
      status_changes: [{ code: 'joining_call', sub_code: null, created_at: new Date().toISOString() }],
      chat: [],
    }
    byKey.set(idempotencyKey, bot)
    bots.set(bot.id, bot)
    return { status: 201, body: bot }
  }

  async function happens(bot: Bot, code: string, subCode: string | null = null): Promise<void> {
    const at = new Date()
    bot.status_changes.push({ code, sub_code: subCode, created_at: at.toISOString() })
    if (webhookUrl === undefined) return
    const id = `msg_${randomUUID()}`
    const body = JSON.stringify({
      event: `bot.${code}`,
      data: {
        data: { code, sub_code: subCode, updated_at: at.toISOString() },
        bot: { id: bot.id, metadata: bot.metadata },
      },
    })
    const { status } = await fetch(webhookUrl, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': new Webhook(webhookSecret).sign(id, at, body),
      },
    })
    delivered.push(status)
  }

  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      asked.push(`${request.method} ${request.url}`)
      const fault = faults.shift()
      if (fault !== undefined && 'cut' in fault) return void response.destroy()
      if (fault !== undefined && 'silent' in fault) return void silent.push(response)
      const isScripted = fault !== undefined && 'status' in fault
      const { status, body } = isScripted ? { body: '', ...fault } : answer(request, text)
      if (fault !== undefined && 'unheard' in fault) return void response.destroy()
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/bot/`,
    key,
    webhookSecret,
    bots,
    asked,
    faults,
    delivered,
    happens,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const response of silent) response.destroy()
        server.closeAllConnections()
      }),
  }
}
