import { createHash } from 'node:crypto'
import type { Clock } from '../../middleware/clock.ts'
import type { Cancellation } from '../cancellation.ts'
import { type ChatRequest, outputLimitOf, wantsUsage } from '../chat-request.ts'
import { countInput, type TokenCounter, tokenCounter } from '../count-tokens.ts'
import type { UpstreamAnswer, UpstreamProvider } from '../upstream.ts'
import { practiceImages } from './practice-images.ts'
import { practiceText } from './practice-text.ts'
import { practiceValue } from './practice-value.ts'

export interface PracticeOptions {
  readonly id: string
  /** Per choice; 0 = as fast as possible. */
  readonly tokensPerSecond: number
  readonly clock: Clock
}

interface Choice {
  readonly pieces: readonly string[]
  readonly call: { readonly id: string; readonly name: string; readonly arguments: readonly string[] } | undefined
  readonly finish: 'stop' | 'length' | 'tool_calls'
  readonly tokens: number
}

/** So many tokens go out at once when no pace is set: one by one, a fast reader would mostly measure itself. */
const burst = 16

/** The built-in provider: answers without a network, by the rules of the dialect, with honest token counts. The same request gets the same answer. */
export function createPractice({ id, tokensPerSecond, clock }: PracticeOptions): UpstreamProvider {
  return {
    id,
    outputLimitField: 'max_tokens',
    async chat({ model, body, cancellation }): Promise<UpstreamAnswer> {
      cancellation.throwIfCancelled()
      const counter = await tokenCounter()
      const choices = Array.from({ length: body.n ?? 1 }, (_, index) => choose(counter, body, index))
      const head = {
        id: `chatcmpl-practice-${digest(JSON.stringify(body.messages)).slice(0, 24)}`,
        created: Math.floor(clock.now() / 1_000),
        model: `practice/${model}`,
        system_fingerprint: 'practice',
      }
      const usage = usageOf(countInput(counter, body), choices)
      const pace = { tokensPerSecond, clock, cancellation }
      if (body.stream === true) {
        return {
          status: 200,
          contentType: 'text/event-stream; charset=utf-8',
          retryAfter: '',
          body: stream(head, choices, wantsUsage(body) ? usage : undefined, pace),
        }
      }
      return { status: 200, contentType: 'application/json', retryAfter: '', body: whole(head, choices, usage, pace) }
    },
    async images({ body, cancellation }): Promise<UpstreamAnswer> {
      cancellation.throwIfCancelled()
      const made = { created: Math.floor(clock.now() / 1_000), data: practiceImages(body) }
      return {
        status: 200,
        contentType: 'application/json',
        retryAfter: '',
        body: (async function* () {
          yield Buffer.from(JSON.stringify(made))
        })(),
      }
    },
  }
}

type Head = Readonly<Record<'id' | 'model' | 'system_fingerprint', string>> & { readonly created: number }
interface Pace {
  readonly tokensPerSecond: number
  readonly clock: Clock
  readonly cancellation: Cancellation
}

function choose(counter: TokenCounter, body: ChatRequest, index: number): Choice {
  const limit = Math.max(1, outputLimitOf(body) ?? Number.POSITIVE_INFINITY)
  const seed = digest(`${JSON.stringify(body.messages)}\n${index}`)
  const tool = chosenTool(body)
  if (tool !== undefined) {
    const all = counter.pieces(JSON.stringify(practiceValue(tool.parameters, seed)))
    const given = all.slice(0, limit)
    return {
      pieces: [],
      call: { id: `call_${seed.slice(0, 24)}`, name: tool.name, arguments: given },
      finish: given.length < all.length ? 'length' : 'tool_calls',
      tokens: counter.count(tool.name) + given.length,
    }
  }
  const format = body['response_format'] as { type?: string; json_schema?: { schema?: unknown } } | null | undefined
  const text =
    format?.type === 'json_schema' || format?.type === 'json_object'
      ? JSON.stringify(practiceValue(format.json_schema?.schema, seed))
      : practiceText(lastText(body), seed)
  const { kept, stopped } = untilStop(text, body['stop'])
  const all = counter.pieces(kept)
  const pieces = all.slice(0, limit)
  return {
    pieces,
    call: undefined,
    finish: pieces.length < all.length && !stopped ? 'length' : 'stop',
    tokens: pieces.length,
  }
}

interface Tool {
  readonly name: string
  readonly parameters: unknown
}

/** The tool that the request asks for: by tool_choice, or by its name in the prompt. After a tool has answered, text. */
function chosenTool(body: ChatRequest): Tool | undefined {
  const tools = (body.tools ?? []).flatMap((tool): Tool[] => {
    const named = (tool as { function?: { name?: unknown; parameters?: unknown } } | null)?.function
    return typeof named?.name === 'string' ? [{ name: named.name, parameters: named.parameters }] : []
  })
  const choice = body['tool_choice'] as string | { function?: { name?: string } } | null | undefined
  if (tools.length === 0 || choice === 'none') return undefined
  if (typeof choice === 'object' && choice !== null) return tools.find(({ name }) => name === choice.function?.name)
  if (body.messages.at(-1)?.role === 'tool') return undefined
  if (choice === 'required') return tools[0]
  const prompt = lastText(body).toLowerCase()
  const spoken = (name: string): string => name.replaceAll(/[_-]+|(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()
  return tools.find(({ name }) => prompt.includes(name.toLowerCase()) || prompt.includes(spoken(name)))
}

/** Text of the last message that a user wrote. */
function lastText({ messages }: ChatRequest): string {
  const content = messages.findLast(({ role }) => role === 'user')?.['content'] ?? messages.at(-1)?.['content']
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part: { text?: unknown } | null) => (typeof part?.text === 'string' ? part.text : '')).join(' ')
}

function untilStop(text: string, stop: unknown): { readonly kept: string; readonly stopped: boolean } {
  const stops = (Array.isArray(stop) ? stop : [stop]).filter(
    (each): each is string => typeof each === 'string' && each !== '',
  )
  const places = stops.map((each) => text.indexOf(each)).filter((at) => at >= 0)
  return places.length === 0
    ? { kept: text, stopped: false }
    : { kept: text.slice(0, Math.min(...places)), stopped: true }
}

async function* stream(
  head: Head,
  choices: readonly Choice[],
  usage: object | undefined,
  pace: Pace,
): AsyncGenerator<Uint8Array> {
  const common = JSON.stringify({
    id: head.id,
    object: 'chat.completion.chunk',
    created: head.created,
    model: head.model,
    system_fingerprint: head.system_fingerprint,
  }).slice(0, -1)
  const nothing = usage === undefined ? '' : ',"usage":null'
  const event = (index: number, delta: object, finish: string | null): string =>
    `data: ${common},"choices":[{"index":${index},"delta":${JSON.stringify(delta)},"logprobs":null,"finish_reason":${JSON.stringify(finish)}}]${nothing}}\n\n`
  let pending = choices.map(({ call }, index) => event(index, openingOf(call), null)).join('')
  const steps = choices.map(({ pieces, call }) => (call === undefined ? pieces : call.arguments))
  const length = Math.max(0, ...steps.map((pieces) => pieces.length))
  const start = pace.clock.now()
  for (let at = 0; at < length; at++) {
    for (const [index, pieces] of steps.entries()) {
      const piece = pieces[at]
      if (piece === undefined) continue
      pending += event(
        index,
        choices[index]!.call === undefined
          ? { content: piece }
          : { tool_calls: [{ index: 0, function: { arguments: piece } }] },
        null,
      )
    }
    if (pace.tokensPerSecond > 0) {
      yield Buffer.from(pending)
      pending = ''
      await waitUntil(start + ((at + 1) * 1_000) / pace.tokensPerSecond, pace)
    } else if (at % burst === burst - 1) {
      yield Buffer.from(pending)
      pending = ''
      pace.cancellation.throwIfCancelled()
    }
  }
  pending += choices.map(({ finish }, index) => event(index, {}, finish)).join('')
  if (usage !== undefined) pending += `data: ${common},"choices":[],"usage":${JSON.stringify(usage)}}\n\n`
  yield Buffer.from(`${pending}data: [DONE]\n\n`)
}

function openingOf(call: Choice['call']): object {
  if (call === undefined) return { role: 'assistant', content: '' }
  return {
    role: 'assistant',
    content: null,
    tool_calls: [{ index: 0, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }],
  }
}

async function* whole(head: Head, choices: readonly Choice[], usage: object, pace: Pace): AsyncGenerator<Uint8Array> {
  const longest = Math.max(...choices.map(({ tokens }) => tokens))
  if (pace.tokensPerSecond > 0) await waitUntil(pace.clock.now() + (longest * 1_000) / pace.tokensPerSecond, pace)
  pace.cancellation.throwIfCancelled()
  yield Buffer.from(
    JSON.stringify({
      ...head,
      object: 'chat.completion',
      choices: choices.map(({ pieces, call, finish }, index) => ({
        index,
        message: messageOf(pieces, call),
        logprobs: null,
        finish_reason: finish,
      })),
      usage,
    }),
  )
}

function messageOf(pieces: readonly string[], call: Choice['call']): object {
  if (call === undefined) return { role: 'assistant', content: pieces.join(''), refusal: null }
  return {
    role: 'assistant',
    content: null,
    refusal: null,
    tool_calls: [{ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments.join('') } }],
  }
}

function usageOf(input: number, choices: readonly Choice[]): object {
  const output = choices.reduce((total, { tokens }) => total + tokens, 0)
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  }
}

/** Short waits, so that a cancellation is noticed at once. */
async function waitUntil(atMs: number, { clock, cancellation }: Pace): Promise<void> {
  for (;;) {
    cancellation.throwIfCancelled()
    const leftMs = atMs - clock.now()
    if (leftMs <= 0) return
    await clock.sleep(Math.min(leftMs, 100))
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
