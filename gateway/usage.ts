import type { ModelRates } from '../credits/model-rates.ts'
import type { Micro } from '../credits/money.ts'
import { priceUsage, upperBound } from '../credits/price-usage.ts'
import type { ReceiptLine } from '../credits/receipt.ts'
import type { Usage } from '../credits/usage-units.ts'
import type { Quantities } from '../credits/usage-row.ts'

/** No call has ten million tokens. A report beyond that, or of parts of a token, is no report: the ledger takes neither, and the call would go unpaid. */
const mostTokens = 10_000_000

/** A count of tokens; undefined for a field that is none, which is as good as missing. By hand, since every call and some chunks come here. */
function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= mostTokens
    ? (value as number)
    : undefined
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** What a call consumed, in the price library's words and in the ledger's. */
export interface CallUsage {
  readonly usage: Usage
  readonly quantities: Quantities
}

/** A provider's report; undefined when it is none. Input includes cached tokens, output includes reasoning, also where the provider counts it beside. */
export function parseUsage(value: unknown): CallUsage | undefined {
  // OpenAI's usage object and its dialects.
  const report = fieldsOf(value)
  const input = countOf(report['prompt_tokens'])
  const completion = countOf(report['completion_tokens'])
  if (input === undefined || completion === undefined) return undefined
  const inputParts = fieldsOf(report['prompt_tokens_details'])
  const outputParts = fieldsOf(report['completion_tokens_details'])
  const total = countOf(report['total_tokens'])
  const thought = countOf(outputParts['reasoning_tokens']) ?? 0
  // Some providers leave reasoning out of the completion; their total gives it away.
  const output = thought > 0 && total === input + completion + thought ? completion + thought : completion
  // A part is never more than its whole, whatever the provider says.
  const reasoning = Math.min(thought, output)
  const cached = Math.min(
    // The second is DeepSeek's name for it.
    countOf(inputParts['cached_tokens']) ?? countOf(report['prompt_cache_hit_tokens']) ?? 0,
    input,
  )
  const heard = Math.min(countOf(inputParts['audio_tokens']) ?? 0, input)
  const usage: Usage = {
    input_tokens: input,
    output_tokens: output,
    ...some('cache_read_tokens', cached),
    ...some('cache_write_tokens', countOf(inputParts['cache_write_tokens'])),
    ...some('input_audio_tokens', heard),
    // How much of the cached input was audio is not reported: as little as the two counts allow, for that is the dearer reading.
    ...(cached > 0 && heard > 0 ? { cache_audio_read_tokens: Math.max(0, cached + heard - input) } : {}),
    ...some('output_reasoning_tokens', reasoning),
    ...some('output_audio_tokens', Math.min(countOf(outputParts['audio_tokens']) ?? 0, output)),
  }
  return {
    usage,
    quantities: {
      units: 1,
      inputTokens: input,
      cachedTokens: cached,
      outputTokens: output,
      reasoningTokens: reasoning,
    },
  }
}

function some<Key extends keyof Usage>(key: Key, quantity: number | null | undefined): Usage {
  return quantity === undefined || quantity === null || quantity === 0 ? {} : { [key]: quantity }
}

/** Counted by Tollgate, not reported. */
export function countedUsage(inputTokens: number, outputTokens: number): CallUsage {
  return {
    usage: { input_tokens: inputTokens, output_tokens: outputTokens },
    quantities: { units: 1, inputTokens, cachedTokens: 0, outputTokens, reasoningTokens: 0 },
  }
}

export const nothingUsed: CallUsage = {
  usage: {},
  quantities: { units: 0, inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 },
}

export interface Priced {
  readonly total: Micro
  readonly lines: readonly ReceiptLine[]
}

/** The price of a usage. What contradicts itself in its details is priced by its totals: work that was done is never free. */
export function priceCall(rates: ModelRates, { usage }: CallUsage, atMs: number): Priced {
  const exact = priceUsage(rates, usage, atMs)
  if (exact.ok) return exact
  const totals: Usage = { input_tokens: whole(usage.input_tokens), output_tokens: whole(usage.output_tokens) }
  const plain = priceUsage(rates, totals, atMs)
  if (plain.ok) return plain
  return { total: upperBound(rates, totals, atMs), lines: [] }
}

const whole = (quantity: number | undefined): number => Math.ceil(quantity ?? 0)
