import type { Micro } from '../credits/money.ts'
import { resolveModel } from '../credits/resolve-model.ts'
import type { EmployeeCard } from '../credits/terms.ts'
import { type ChatRequest, measureInput } from './chat-request.ts'
import type { GatewayDeps } from './deps.ts'
import { estimateInputTokens } from './input-tokens.ts'
import { countedUsage, priceCall } from './usage.ts'

export interface EstimateRequest {
  readonly model: string
  readonly employee?: EmployeeCard | undefined
  /** One of these three says how long the input is; none means a short prompt. */
  readonly inputTokens?: number | undefined
  readonly inputBytes?: number | undefined
  readonly messages?: ChatRequest['messages'] | undefined
  readonly maxTokens?: number | undefined
}

export interface CallEstimate {
  /** `provider/model` */
  readonly model: string
  readonly tier: string
  readonly pricedAs: string
  readonly median: Micro
  /** Nine of ten such calls cost at most this. */
  readonly p90: Micro
  /** Settled calls that the lengths were learned from. */
  readonly samples: number
  /** `assumed`: too few calls were seen, the lengths are those of common chats. */
  readonly basis: 'learned' | 'assumed'
  readonly inputTokens: number
  readonly outputTokens: { readonly median: number; readonly p90: number }
}

const commonLengths = { median: 200, p90: 800, samples: 0 }
const shortPromptTokens = 200

/** What a call would usually cost. Reserves nothing and promises nothing. */
export function estimateCall(
  {
    catalogue,
    priceBook,
    usable,
    learned,
    clock,
  }: Pick<GatewayDeps, 'catalogue' | 'priceBook' | 'usable' | 'learned' | 'clock'>,
  request: EstimateRequest,
): CallEstimate | { readonly unknown: string } | { readonly notPriced: string } {
  const model = resolveModel(catalogue, priceBook, request.model, { employee: request.employee, usable })
  if (!('id' in model)) return model
  const rates = priceBook.ratesOf(model.pricedAs)
  if (rates === undefined) return { notPriced: request.model }
  const lengths = learned.outputTokens(model.id) ?? commonLengths
  const limit = Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, model.maxOutputTokens)
  const outputTokens = { median: Math.min(limit, lengths.median), p90: Math.min(limit, lengths.p90) }
  const inputTokens = inputOf(request, learned.inputBytesPerToken(model.id), model.contextWindow)
  const costOf = (output: number): Micro => priceCall(rates, countedUsage(inputTokens, output), clock.now()).total
  return {
    model: model.id,
    tier: model.tier,
    pricedAs: model.pricedAs,
    median: costOf(outputTokens.median),
    p90: costOf(outputTokens.p90),
    samples: lengths.samples,
    basis: lengths.samples > 0 ? 'learned' : 'assumed',
    inputTokens,
    outputTokens,
  }
}

function inputOf(
  { inputTokens, inputBytes, messages }: EstimateRequest,
  bytesPerToken: number,
  contextWindow: number,
): number {
  if (inputTokens !== undefined) return inputTokens
  if (inputBytes !== undefined) return Math.ceil(inputBytes / bytesPerToken)
  if (messages === undefined || messages.length === 0) return shortPromptTokens
  const size = measureInput({ model: '', messages }, Buffer.byteLength(JSON.stringify(messages)))
  return estimateInputTokens(size, bytesPerToken, contextWindow)
}
