import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the upstream does with a call: the JSON in its last message, or in the prompt of an image. */
export interface Script {
  /** Output tokens, one word each. */
  readonly tokens?: number
  /** Of a stream; 1 when left out. */
  readonly perChunk?: number
  /** Answers with this status and no completion. */
  readonly status?: number
  /** Body of that answer; OpenAI's shape when left out. */
  readonly body?: string
  /** Ends the connection after so many tokens. */
  readonly cutAfter?: number
  /** Sends an error event after so many tokens. */
  readonly errorAfter?: number
  /** Never answers. */
  readonly silent?: boolean
  /** Waits for `release` after so many tokens. */
  readonly waitAfter?: number
  readonly usage?: 'normal' | 'missing' | 'cumulative' | 'twice' | 'zero' | 'cached'
  readonly done?: boolean
  /** Ends lines as some servers do. */
  readonly crlf?: boolean
  readonly wordLength?: number
  /** Images that it makes; as many as were asked for when left out. */
  readonly images?: number
  /** Entries without an image that it lists beside them. */
  readonly failures?: number
  /** Length of each image as text. */
  readonly imageBytes?: number
  /** Begins the answer before it waits. */
  readonly headFirst?: boolean
}

/** The upstream's own books. */
export interface UpstreamCall {
  readonly body: Record<string, unknown>
  readonly authorization: string
  tokens: number
  /** It can send no more until somebody reads. */
  blocked: boolean
  /** The caller hung up before the end. */
  aborted: boolean
  ended: Promise<void>
  /** Lets a waiting answer go on. */
  release: () => void
}

export interface MockUpstream {
  readonly url: string
  readonly calls: UpstreamCall[]
  /** The call with this number, as soon as it arrives. */
  call(index: number): Promise<UpstreamCall>
  close(): Promise<void>
}

export const inputTokens = 17

/** A real HTTP server that speaks OpenAI's dialect as its callers' prompts tell it to. */
export async function startMockUpstream(): Promise<MockUpstream> {
  const calls: UpstreamCall[] = []
  let arrived = (): void => undefined
  const server = createServer((request, response) => {
    void serve(request, response, (call) => {
      calls.push(call)
      arrived()
    }).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    async call(index) {
      while (calls[index] === undefined) await new Promise<void>((resolve) => (arrived = resolve))
      return calls[index]
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  book: (call: UpstreamCall) => void,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
  const script = scriptOf(body)
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  const call: UpstreamCall = {
    body,
    authorization: request.headers.authorization ?? '',
    tokens: 0,
    blocked: false,
    aborted: false,
    ended: Promise.resolve(),
    release,
  }
  call.ended = new Promise((resolve) =>
    response.on('close', () => {
      call.aborted = !response.writableFinished
      release()
      resolve()
    }),
  )
  book(call)
  if (script.silent === true) return
  if (script.status !== undefined) {
    response.writeHead(script.status, { 'content-type': 'application/json', 'retry-after': '7' })
    response.end(
      script.body ??
        JSON.stringify({ error: { message: 'the mock refuses', type: 'mock_error', param: null, code: 'mock_code' } }),
    )
    return
  }
  if (request.url?.endsWith('/images/generations') === true) return imagesTo(response, call, script, released)
  if (body['stream'] === true) await streamTo(response, call, script, released)
  else {
    if (script.waitAfter !== undefined) await released
    wholeTo(response, call, script)
  }
}

function scriptOf({ messages, prompt }: Record<string, unknown>): Script {
  const last = prompt ?? (messages as { content?: unknown }[]).at(-1)?.content
  try {
    return JSON.parse(String(last)) as Script
  } catch {
    return {}
  }
}

const head = (body: Record<string, unknown>) => ({
  id: 'chatcmpl-mock',
  created: 1_760_000_000,
  model: body['model'],
  x_unknown: { kept: 12345678901234567890n.toString() },
})

const usageOf = (tokens: number, script: Script) => ({
  prompt_tokens: inputTokens,
  completion_tokens: script.usage === 'zero' ? 0 : tokens,
  total_tokens: inputTokens + tokens,
  ...(script.usage === 'cached'
    ? { prompt_tokens_details: { cached_tokens: 10 }, completion_tokens_details: { reasoning_tokens: 3 } }
    : {}),
})

const limited = (body: Record<string, unknown>, script: Script): number =>
  Math.min(script.tokens ?? 5, Number(body['max_tokens'] ?? body['max_completion_tokens'] ?? Infinity))

const wordOf = (index: number, script: Script): string =>
  ` ${'abcdefgh'.charAt(index % 8).repeat(script.wordLength ?? 2)}`

async function streamTo(
  response: ServerResponse,
  call: UpstreamCall,
  script: Script,
  released: Promise<void>,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const eol = script.crlf === true ? '\r\n\r\n' : '\n\n'
  const send = async (event: object | string): Promise<void> => {
    const text = `data: ${typeof event === 'string' ? event : JSON.stringify(event)}${eol}`
    if (response.write(text) || response.destroyed) return
    call.blocked = true
    await Promise.race([new Promise<void>((resolve) => response.once('drain', resolve)), call.ended])
    call.blocked = false
  }
  const chunk = (delta: object, finish: string | null, usage?: object) => ({
    ...head(call.body),
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...(usage === undefined ? {} : { usage }),
  })
  const total = limited(call.body, script)
  await send(chunk({ role: 'assistant', content: '' }, null))
  const perChunk = script.perChunk ?? 1
  for (let index = 0; index < total && !response.destroyed; index += perChunk) {
    if (script.cutAfter === index) {
      // What was written is on its way before the connection goes.
      await new Promise<void>((resolve) => response.write(': bye\n\n', () => resolve()))
      return void response.destroy()
    }
    if (script.errorAfter === index) await send({ error: { message: 'the mock broke', code: 500 } })
    if (script.waitAfter === index) await released
    const words = Array.from({ length: Math.min(perChunk, total - index) }, (_, at) => wordOf(index + at, script))
    call.tokens += words.length
    await send(
      chunk({ content: words.join('') }, null, script.usage === 'cumulative' ? usageOf(index + 1, script) : undefined),
    )
  }
  if (response.destroyed) return
  await send(
    chunk(
      {},
      total < (script.tokens ?? 5) ? 'length' : 'stop',
      script.usage === 'cumulative' ? usageOf(total, script) : undefined,
    ),
  )
  const asked = (call.body['stream_options'] as { include_usage?: boolean } | undefined)?.include_usage === true
  if (asked && script.usage !== 'missing' && script.usage !== 'cumulative') {
    if (script.usage === 'twice')
      await send({ ...head(call.body), object: 'chat.completion.chunk', choices: [], usage: usageOf(1, script) })
    await send({ ...head(call.body), object: 'chat.completion.chunk', choices: [], usage: usageOf(total, script) })
  }
  if (script.done !== false) await send('[DONE]')
  response.end()
}

function wholeTo(response: ServerResponse, call: UpstreamCall, script: Script): void {
  const total = limited(call.body, script)
  call.tokens = total
  const content = Array.from({ length: total }, (_, index) => wordOf(index, script)).join('')
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(
    JSON.stringify({
      ...head(call.body),
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, finish_reason: 'stop' }],
      ...(script.usage === 'missing' ? {} : { usage: usageOf(total, script) }),
    }),
  )
}

async function imagesTo(
  response: ServerResponse,
  call: UpstreamCall,
  script: Script,
  released: Promise<void>,
): Promise<void> {
  const begin = (): Promise<void> => {
    response.writeHead(200, { 'content-type': 'application/json' })
    return new Promise((resolve) => response.write(' ', () => resolve()))
  }
  if (script.headFirst === true) await begin()
  if (script.waitAfter !== undefined) await released
  if (script.headFirst !== true) await begin()
  if (script.cutAfter !== undefined) return void response.destroy()
  const made = Array.from({ length: script.images ?? Number(call.body['n'] ?? 1) }, (_, index) => ({
    b64_json: String(index % 10).repeat(script.imageBytes ?? 40),
    x_unknown: index,
  }))
  const failed = Array.from({ length: script.failures ?? 0 }, () => ({ error: { message: 'not made' } }))
  response.end(JSON.stringify({ created: 1_760_000_000, data: [...made, ...failed], x_unknown: 'kept' }))
}
