import type { ChatRequest } from './chat-request.ts'
import type { Cancellation } from './cancellation.ts'
import type { ImageRequest } from './image-request.ts'

export interface UpstreamCall<Request> {
  /** The name of the model as the provider knows it. */
  readonly model: string
  /** What is sent: the caller's request with what the gateway had to change. */
  readonly body: Request
  /** The charge's id, sent along so that the provider's log can be compared with receipts. One charge may stand for several attempts. */
  readonly receipt: string
  readonly cancellation: Cancellation
  /** Until the headers; also the longest silence between two chunks. */
  readonly timeoutMs: number
}

/** The body may be read once. Ending the loop early, or cancelling the call, ends the connection. */
export interface UpstreamAnswer {
  readonly status: number
  readonly contentType: string
  /** Seconds or a date, as the provider said; '' when it did not. */
  readonly retryAfter: string
  readonly body: AsyncIterable<Uint8Array>
}

/** How one provider is reached: a request in, bytes in OpenAI's dialect out. */
export interface UpstreamProvider {
  readonly id: string
  /** OpenAI's own models refuse `max_tokens`; most others know nothing else. */
  readonly outputLimitField: 'max_completion_tokens' | 'max_tokens'
  /** Rejects with UpstreamUnreachable when there is no answer; any HTTP status is an answer. */
  chat(call: UpstreamCall<ChatRequest>): Promise<UpstreamAnswer>
  /** The same for images, which come whole. */
  images(call: UpstreamCall<ImageRequest>): Promise<UpstreamAnswer>
}

/** No answer from a provider: connection refused or cut, a timeout. The message is for the operator's log. */
export class UpstreamUnreachable extends Error {
  override readonly name = 'UpstreamUnreachable'
}

/** Reads a whole body; undefined when it is longer than `maxBytes`. */
export async function readWhole(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return chunks.length === 1
    ? Buffer.from(chunks[0]!.buffer, chunks[0]!.byteOffset, chunks[0]!.byteLength)
    : Buffer.concat(chunks)
}
