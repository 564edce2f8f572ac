import { type CallUsage, parseUsage } from './usage.ts'

/**
 * - `drained`: more bytes are needed. `budget`: the next event has more text than is paid for; `needBytes` in all would be enough.
 * - `ended`: the upstream said [DONE]. `failed`: it sent an error instead of an event.
 */
export type TapState =
  | { readonly kind: 'drained' }
  | { readonly kind: 'budget'; readonly needBytes: number }
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly message: string }

export interface UsageTap {
  push(chunk: Uint8Array): void
  /** The upstream ended: an event that came whole but for the line that should end it counts. Answers whether there was one. */
  end(): boolean
  /** Bytes that may go to the caller, untouched, as long as their text stays within `roomBytes` in all. */
  next(roomBytes: number): { readonly out: Buffer | undefined; readonly state: TapState }
  /** Text let through so far, as JSON writes it: content, reasoning, refusal and tool arguments of all choices. */
  textBytes(): number
  text(): string
  /** Text of the event that `budget` stopped at. */
  pendingText(): string
  /** The last report that the provider made. */
  usage(): CallUsage | undefined
  /** Whether the answer showed any reasoning. */
  showedReasoning(): boolean
  /** Whether a choice ended by itself. */
  finished(): boolean
  /** What was held back, now with the cost of the call; `usage` is the report to make up where the caller asked for one and none came. */
  last(tollgate: object, usage: object): Buffer
}

/** An event longer than this is no chunk of an answer. */
const maxEventBytes = 16 * 1024 * 1024
const textKey = /"(?:content|reasoning_content|reasoning|refusal|arguments)"\s*:\s*"/g
/** Reasoning that the caller sees. */
export const reasoningText = /"reasoning(?:_content)?"\s*:\s*"[^"]/
const finishKey = /"finish_reason"\s*:\s*"/
const usageKey = /"usage"\s*:\s*\{/
const errorEvent = /^(?:event:\s*error\r?\n)?data:\s*\{\s*"error"\s*:\s*[{"]/

/**
 * Watches a stream of server-sent events go by. Only events that report usage are parsed; text is measured where it stands.
 * One event is held back, so that the cost can travel in it: the usage chunk where the caller asked for usage, else the chunk with the finish reason,
 * since a chunk without choices would break callers who did not ask for one.
 */
export function createUsageTap({ usageAsked }: { readonly usageAsked: boolean }): UsageTap {
  let bytes: Buffer = Buffer.alloc(0)
  let latin = ''
  let at = 0
  let first = ''
  let heldBack: Buffer | undefined
  let done: Buffer | undefined
  let usage: CallUsage | undefined
  let usageChunkSeen = false
  let finished = false
  let showedReasoning = false
  const text = createTextStore()

  /** After the blank line that ends the event; -1 while it is not there. */
  const endOfEvent = (): number => {
    const lf = latin.indexOf('\n\n', at)
    const crlf = latin.indexOf('\r\n\r\n', at)
    if (crlf >= 0 && (lf < 0 || crlf < lf)) return crlf + 4
    return lf < 0 ? -1 : lf + 2
  }
  const readUsage = (event: string): { readonly usageOnly: boolean } => {
    const chunk = parseEvent(event)
    const reported =
      parseUsage(chunk?.['usage']) ?? parseUsage((chunk?.['x_groq'] as { usage?: unknown } | undefined)?.usage)
    if (reported === undefined) return { usageOnly: false }
    usage = reported
    const choices = chunk?.['choices']
    return { usageOnly: !Array.isArray(choices) || choices.length === 0 }
  }

  return {
    push(chunk) {
      const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      bytes = at < bytes.length ? Buffer.concat([bytes.subarray(at), fresh]) : fresh
      latin = bytes.toString('latin1')
      at = 0
    },
    end() {
      const event = latin.slice(at)
      const whole = /^data:\s*\[DONE\]\s*$/.test(event) || parseEvent(event) !== undefined
      if (whole) this.push(Buffer.from('\n\n'))
      return whole
    },
    next(roomBytes) {
      const out: Buffer[] = []
      let from = at
      const flush = (to: number): void => {
        if (to > from) out.push(bytes.subarray(from, to))
      }
      const answer = (state: TapState) => ({
        out: out.length === 0 ? undefined : out.length === 1 ? out[0]! : Buffer.concat(out),
        state,
      })
      for (;;) {
        const end = endOfEvent()
        if (end < 0) {
          flush(at)
          if (bytes.length - at > maxEventBytes) return answer({ kind: 'failed', message: 'an event without an end' })
          return answer({ kind: 'drained' })
        }
        const event = latin.slice(at, end)
        if (/^data:\s*\[DONE\]/.test(event)) {
          flush(at)
          done = bytes.subarray(at, end)
          at = end
          return answer({ kind: 'ended' })
        }
        if (errorEvent.test(event)) {
          flush(at)
          at = end
          return answer({ kind: 'failed', message: errorMessage(event) })
        }
        const spans = textSpans(event)
        const length = spans.reduce((total, [start, stop]) => total + stop - start, 0)
        if (length > 0 && text.size() + length > roomBytes) {
          flush(at)
          return answer({ kind: 'budget', needBytes: text.size() + length })
        }
        for (const [start, stop] of spans) text.add(event, start, stop)
        if (first === '') first = event
        showedReasoning ||= length > 0 && reasoningText.test(event)
        const reports = usageKey.test(event)
        const usageOnly = reports && readUsage(event).usageOnly
        const finishes = finishKey.test(event)
        finished ||= finishes
        const carriesCost = usageAsked ? reports : finishes
        const dropped = usageOnly && !usageAsked
        usageChunkSeen ||= reports && usageAsked
        if (carriesCost || dropped || heldBack !== undefined) {
          flush(at)
          from = end
          if (!dropped) {
            if (heldBack !== undefined) out.push(heldBack)
            heldBack = bytes.subarray(at, end)
            if (!carriesCost) {
              out.push(heldBack)
              heldBack = undefined
            }
          }
        }
        at = end
      }
    },
    textBytes: () => text.size(),
    text: () => text.read(),
    pendingText() {
      const end = endOfEvent()
      const event = end < 0 ? '' : latin.slice(at, end)
      const pending = createTextStore()
      for (const [start, stop] of textSpans(event)) pending.add(event, start, stop)
      return pending.read()
    },
    usage: () => usage,
    showedReasoning: () => showedReasoning,
    finished: () => finished,
    last(tollgate, madeUp) {
      const parts: Buffer[] = []
      if (usageAsked && !usageChunkSeen) {
        if (heldBack !== undefined) parts.push(heldBack)
        const { id, created, model } = parseEvent(first) ?? {}
        parts.push(
          Buffer.from(
            `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created, model, choices: [], usage: madeUp, tollgate })}\n\n`,
          ),
        )
      } else if (heldBack !== undefined) {
        parts.push(withMember(heldBack, 'tollgate', tollgate))
      }
      if (done !== undefined) parts.push(done)
      heldBack = undefined
      return Buffer.concat(parts)
    },
  }
}

/** A JSON object's text with one more member, the rest untouched: numbers, order and unknown fields stay as the provider wrote them. */
export function withMember(json: Buffer, name: string, value: object): Buffer {
  const end = json.lastIndexOf('}')
  if (end < 0) return json
  return Buffer.concat([
    json.subarray(0, end),
    Buffer.from(`,${JSON.stringify(name)}:${JSON.stringify(value)}`),
    json.subarray(end),
  ])
}

/** Where the texts of an event stand: [start, stop) between their quotes. */
function textSpans(event: string): readonly (readonly [number, number])[] {
  const spans: [number, number][] = []
  textKey.lastIndex = 0
  while (textKey.test(event)) {
    const start = textKey.lastIndex
    let stop = event.indexOf('"', start)
    while (stop >= 0 && isEscaped(event, stop)) stop = event.indexOf('"', stop + 1)
    if (stop < 0) break
    if (stop > start) spans.push([start, stop])
    textKey.lastIndex = stop + 1
  }
  return spans
}

function isEscaped(event: string, quote: number): boolean {
  let backslashes = 0
  while (event.charCodeAt(quote - 1 - backslashes) === 92) backslashes += 1
  return backslashes % 2 === 1
}

function parseEvent(event: string): Record<string, unknown> | undefined {
  const start = event.indexOf('{')
  if (start < 0) return undefined
  try {
    return JSON.parse(Buffer.from(event.slice(start), 'latin1').toString()) as Record<string, unknown>
  } catch {
    return undefined
  }
}

function errorMessage(event: string): string {
  const error = parseEvent(event)?.['error']
  if (typeof error === 'string') return error
  const message = (error as { message?: unknown } | undefined)?.message
  return typeof message === 'string' ? message : 'the provider sent an error without a message'
}

/** Grows by copying: slices of the stream's strings would keep the whole stream in memory. */
function createTextStore(): { add(event: string, start: number, stop: number): void; size(): number; read(): string } {
  let store = Buffer.alloc(0)
  let size = 0
  return {
    add(event, start, stop) {
      const length = stop - start
      if (size + length > store.length) {
        const larger = Buffer.allocUnsafe(Math.max(1_024, 2 * (size + length)))
        store.copy(larger, 0, 0, size)
        store = larger
      }
      store.write(event.slice(start, stop), size, 'latin1')
      size += length
    },
    size: () => size,
    read() {
      const raw = store.toString('utf8', 0, size)
      try {
        return JSON.parse(`"${raw}"`) as string
      } catch {
        return raw
      }
    },
  }
}
