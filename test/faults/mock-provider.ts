import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a call asks of the provider, in a field of its request that the gateway does not know and passes on. */
export interface Script {
  /** Names the call, the same in every repetition. */
  readonly tag: string
  /** Output, unless the request limits it further. */
  readonly tokens: number
  readonly perChunk: number
  /** Between two chunks; an answer that is not streamed takes as long as its chunks would. */
  readonly everyMs: number
}

/** One line of the provider's own books. */
export interface ProviderCall {
  /** As the gateway named it. */
  readonly receipt: string
  /** As the answer names it. */
  readonly id: string
  readonly tag: string
  readonly streamed: boolean
  readonly beganAtMs: number
  readonly inputTokens: number
  /** Produced so far. Of an answer that is not streamed: none before all are. */
  outputTokens: number
  /** When, and how much there was then. */
  readonly produced: { readonly atMs: number; readonly tokens: number }[]
  state: 'running' | 'finished' | 'hung_up'
  endedAtMs: number
}

/** µcr a token: what the catalogue of the stand says, too, in its own words. */
export const price = { input: 100, output: 400 } as const

/** What the provider bills for it, µcr. */
export const billOf = ({ inputTokens, outputTokens }: Pick<ProviderCall, 'inputTokens' | 'outputTokens'>): number =>
  inputTokens * price.input + outputTokens * price.output

export interface MockProvider {
  readonly url: string
  readonly calls: readonly ProviderCall[]
  /** Answers that are on their way. */
  running(): number
  close(): Promise<void>
}

/** Each is one token of the gateway's tokenizer, whatever stands before it: what a cut answer is counted as can be compared to the token. */
const words = [' the', ' of', ' and', ' to', ' in', ' is', ' that', ' for']
/** What the chat format adds to a single message by a user. */
const frameTokens = 7

/** Of a request with a prompt of so many tokens. */
export const inputTokensOf = (promptTokens: number): number => frameTokens + promptTokens

/** The text of a prompt of so many tokens. */
export const promptOf = (tokens: number): string => textOf(0, tokens)

/** A provider that speaks OpenAI's dialect and bills what it produced, also for callers who hung up. */
export async function startMockProvider(): Promise<MockProvider> {
  const calls: ProviderCall[] = []
  const server = createServer((request, response) => {
    void serve(request, response, calls).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    running: () => calls.filter(({ state }) => state === 'running').length,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

interface Asked {
  readonly model: string
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
  readonly messages: readonly { readonly content: string }[]
  readonly max_tokens?: number
  readonly max_completion_tokens?: number
  readonly script: Script
}

async function serve(request: IncomingMessage, response: ServerResponse, calls: ProviderCall[]): Promise<void> {
  const body: Buffer[] = []
  for await (const chunk of request) body.push(chunk as Buffer)
  const asked = JSON.parse(Buffer.concat(body).toString()) as Asked
  const { script } = asked
  const call: ProviderCall = {
    receipt: String(request.headers['x-client-request-id']),
    id: `chatcmpl-${calls.length}`,
    tag: script.tag,
    streamed: asked.stream === true,
    beganAtMs: Date.now(),
    inputTokens: inputTokensOf(asked.messages[0]!.content.split(' ').length - 1),
    outputTokens: 0,
    produced: [],
    state: 'running',
    endedAtMs: 0,
  }
  calls.push(call)
  response.on('close', () => {
    if (call.state === 'running') end(call, 'hung_up')
  })
  const limit = asked.max_completion_tokens ?? asked.max_tokens ?? Number.POSITIVE_INFINITY
  const tokens = Math.min(script.tokens, limit)
  if (call.streamed) stream(response, call, asked, tokens)
  else whole(response, call, asked, tokens)
}

const head = ({ id }: ProviderCall, { model }: Asked) => ({ id, created: 1_760_000_000, model })
const usageOf = ({ inputTokens, outputTokens }: ProviderCall) => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens,
})

function whole(response: ServerResponse, call: ProviderCall, asked: Asked, tokens: number): void {
  const { perChunk, everyMs } = asked.script
  const timer = setTimeout(
    () => {
      call.outputTokens = tokens
      end(call, 'finished')
      const message = { role: 'assistant', content: textOf(0, tokens), refusal: null }
      const choices = [{ index: 0, message, finish_reason: 'stop' }]
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ ...head(call, asked), object: 'chat.completion', choices, usage: usageOf(call) }))
    },
    Math.ceil(tokens / perChunk) * everyMs,
  )
  response.on('close', () => clearTimeout(timer))
}

function stream(response: ServerResponse, call: ProviderCall, asked: Asked, tokens: number): void {
  const { perChunk, everyMs } = asked.script
  const send = (choices: readonly object[], more: object = {}): void =>
    void response.write(
      `data: ${JSON.stringify({ ...head(call, asked), object: 'chat.completion.chunk', choices, ...more })}\n\n`,
    )
  const choice = (delta: object, finish: string | null) => [{ index: 0, delta, finish_reason: finish }]
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  send(choice({ role: 'assistant', content: '' }, null))
  const timer = setInterval(() => {
    const more = Math.min(perChunk, tokens - call.outputTokens)
    if (more > 0) {
      send(choice({ content: textOf(call.outputTokens, more) }, null))
      call.outputTokens += more
      call.produced.push({ atMs: Date.now(), tokens: call.outputTokens })
      return
    }
    clearInterval(timer)
    end(call, 'finished')
    send(choice({}, 'stop'))
    if (asked.stream_options?.include_usage === true) send([], { usage: usageOf(call) })
    response.end('data: [DONE]\n\n')
  }, everyMs)
  response.on('close', () => clearInterval(timer))
}

function end(call: ProviderCall, state: 'finished' | 'hung_up'): void {
  call.state = state
  call.endedAtMs = Date.now()
}

function textOf(from: number, count: number): string {
  let text = ''
  for (let index = from; index < from + count; index += 1) text += words[index % words.length]!
  return text
}
