import type { InputSize } from './chat-request.ts'
import { tokensPerImage } from './count-tokens.ts'

/** The densest common formats: speech at 16 kbit/s is 2,000 bytes a second and about 10 tokens. */
const bytesPerAudioToken = 100
/** Text extracted from a document is denser than the document. */
const bytesPerFileToken = 4
const frameTokens = 8

/** How many input tokens a request has at most, as far as its size tells: the provider counts, this only reserves. */
export function estimateInputTokens(size: InputSize, bytesPerToken: number, contextWindow: number): number {
  const tokens =
    frameTokens +
    Math.ceil(size.textBytes / bytesPerToken) +
    size.images * tokensPerImage +
    Math.ceil(size.audioBytes / bytesPerAudioToken) +
    Math.ceil(size.fileBytes / bytesPerFileToken)
  // More than fits the model is refused by the provider, at no charge.
  return Math.min(tokens, contextWindow)
}
