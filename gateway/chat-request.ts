import { z } from 'zod'
import { modelName } from './model-name.ts'

const limit = z.int().min(1)

/** What the gateway reads of a request. All else passes through as it came. */
export const ChatRequest = z.looseObject({
  model: modelName,
  messages: z.array(z.looseObject({ role: z.string() })).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.int().min(1).max(128).nullish(),
  max_tokens: limit.nullish(),
  max_completion_tokens: limit.nullish(),
  modalities: z.array(z.string()).nullish(),
  // Providers charge about twice for it, and the price list has no price for that.
  service_tier: z
    .string()
    .refine((tier) => tier !== 'priority', 'priority has no price here')
    .nullish(),
  tools: z.array(z.unknown()).nullish(),
})
export type ChatRequest = z.infer<typeof ChatRequest>

/** The caller's own limit on the output of one choice; undefined when there is none. */
export function outputLimitOf(request: ChatRequest): number | undefined {
  return request.max_completion_tokens ?? request.max_tokens ?? undefined
}

export const wantsUsage = (request: ChatRequest): boolean => request.stream_options?.include_usage === true

/** What an input is made of, as far as can be told without a tokenizer. */
export interface InputSize {
  /** Bytes of JSON that the model reads as text: messages, tools, response format. */
  readonly textBytes: number
  readonly images: number
  /** Decoded. */
  readonly audioBytes: number
  readonly fileBytes: number
}

/** Part type → the field that holds its data. Data that is encoded in the request is counted by what it is, not as text. */
const encoded = { image_url: 'images', input_audio: 'audioBytes', file: 'fileBytes' } as const

/** Measures a request from the length of its body, without reading texts again. */
export function measureInput(request: ChatRequest, bodyBytes: number): InputSize {
  const size = { textBytes: bodyBytes, images: 0, audioBytes: 0, fileBytes: 0 }
  for (const { content } of request.messages) {
    if (!Array.isArray(content)) continue
    for (const part of content as readonly unknown[]) {
      const type = typeOf(part)
      if (type === undefined) continue
      const dataLength = longestString(part)
      size.textBytes -= dataLength
      if (type === 'image_url') size.images += 1
      else size[encoded[type]] += Math.ceil((dataLength * 3) / 4)
    }
  }
  return { ...size, textBytes: Math.max(0, size.textBytes) }
}

function typeOf(part: unknown): keyof typeof encoded | undefined {
  const type = typeof part === 'object' && part !== null && 'type' in part ? part.type : undefined
  return typeof type === 'string' && type in encoded ? (type as keyof typeof encoded) : undefined
}

/** The data of a part, wherever its dialect keeps it: by far its longest string. */
function longestString(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce<number>((longest, inner) => Math.max(longest, longestString(inner)), 0)
}
