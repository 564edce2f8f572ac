import type { ChatRequest } from './chat-request.ts'

/** Longer texts are counted by a sample: a tokenizer must not stop the event loop for long. */
const sampleCharacters = 128 * 1024
/** As OpenAI documents for its chat format. */
const perMessage = 3
const perAnswer = 3
/** A picture has no text to count: a large one at full detail. */
export const tokensPerImage = 1_600

export interface TokenCounter {
  count(text: string): number
  /** The text of each token; a character that spans several tokens comes with its last. */
  pieces(text: string): readonly string[]
}

let loading: Promise<TokenCounter> | undefined

/**
 * A real tokenizer, for answers without usage, for the practice provider, for cuts. Loading it is half a second of computing: a process that serves
 * calls asks for it before the first one.
 */
export function tokenCounter(): Promise<TokenCounter> {
  loading ??= import('gpt-tokenizer/encoding/o200k_base').then(({ encode, countTokens, decodeGenerator }) => {
    // Text may contain what looks like the model's control tokens; to us it is text.
    const options = { disallowedSpecial: new Set<string>() }
    // Its tables are made by the first count.
    countTokens(' ', options)
    const countAll = (text: string): number =>
      stretchesOf(text).reduce((total, stretch) => total + countTokens(stretch, options), 0)
    return {
      count(text) {
        if (text.length <= sampleCharacters) return countAll(text)
        return Math.ceil((countAll(text.slice(0, sampleCharacters)) * text.length) / sampleCharacters)
      },
      pieces: (text) => stretchesOf(text).flatMap((stretch) => [...decodeGenerator(encode(stretch, options))]),
    }
  })
  return loading
}

/** The tokenizer's time grows with the square of a stretch without spaces: 128 KiB of one letter would stop the event loop for a quarter of a minute. */
const stretchCharacters = 256

/** The text in stretches, cut before a space where there is one. */
function stretchesOf(text: string): readonly string[] {
  const stretches: string[] = []
  for (let from = 0; from < text.length;) {
    const most = Math.min(text.length, from + stretchCharacters)
    const space = most < text.length ? text.slice(from, most).lastIndexOf(' ') : -1
    const splitsPair = most < text.length && /[\uD800-\uDBFF]/.test(text.charAt(most - 1))
    const to = space > 0 ? from + space : splitsPair ? most - 1 : most
    stretches.push(text.slice(from, to))
    from = to
  }
  return stretches
}

/** Input tokens of a request: messages, tools and the frame of the chat format. */
export function countInput(counter: TokenCounter, request: ChatRequest): number {
  let tokens = perAnswer
  for (const message of request.messages) tokens += perMessage + countValue(counter, message)
  if (request.tools != null && request.tools.length > 0) tokens += counter.count(JSON.stringify(request.tools))
  if (request['response_format'] != null) tokens += counter.count(JSON.stringify(request['response_format']))
  return tokens
}

function countValue(counter: TokenCounter, value: unknown): number {
  if (typeof value === 'string') return counter.count(value)
  if (Array.isArray(value)) return value.reduce((total: number, item) => total + countValue(counter, item), 0)
  if (typeof value !== 'object' || value === null) return 0
  if ('type' in value && value.type === 'image_url') return tokensPerImage
  if ('type' in value && (value.type === 'input_audio' || value.type === 'file'))
    return Math.ceil(JSON.stringify(value).length / 8)
  return Object.entries(value).reduce(
    (total, [key, item]) => (key === 'type' ? total : total + countValue(counter, item)),
    0,
  )
}
