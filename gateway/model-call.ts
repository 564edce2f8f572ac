import type { ModelRates } from '../credits/model-rates.ts'
import type { Micro } from '../credits/money.ts'
import type { Resolved } from '../credits/resolve-model.ts'
import type { Hold } from '../middleware/gate.ts'
import { type AnswerCost, answerCost } from './answer-cost.ts'
import { type Attribution, usageRowOf } from './attribution.ts'
import type { Cancellation } from './cancellation.ts'
import type { ChatRequest, InputSize } from './chat-request.ts'
import { countInput, tokenCounter } from './count-tokens.ts'
import type { GatewayDeps, GatewayLimits } from './deps.ts'
import type { Recording } from './idempotency.ts'
import { type Outcome, receiptDetail } from './receipt-detail.ts'
import { settleCall } from './settle-call.ts'
import { type CallUsage, countedUsage, nothingUsed, priceCall } from './usage.ts'

/** One model call between its admission and its end. */
export interface ModelCall {
  readonly deps: GatewayDeps
  readonly limits: GatewayLimits
  readonly who: Attribution
  readonly request: ChatRequest
  readonly size: InputSize
  readonly receipt: string
  readonly startedAtMs: number
  readonly model: Resolved
  readonly rates: ModelRates
  /** Estimated, on the safe side. */
  readonly inputTokens: number
  readonly hold: Hold
  readonly recording: Recording
  /** Ends the upstream request. */
  readonly cancellation: Cancellation
}

export interface CallEnd {
  readonly outcome: Outcome
  readonly usage: CallUsage
  /** Counted by Tollgate instead of reported by the provider. */
  readonly estimated: boolean
  /** Output text as the tap measured it; 0 when it was not seen as text. */
  readonly outputBytes: number
  /** Whether the caller saw what the model reasoned. */
  readonly showedReasoning?: boolean
}

export interface EndedCall {
  readonly cost: AnswerCost
  readonly total: Micro
  /** The caller hears the end of its answer only after this: then its charge cannot be lost. Never rejects. */
  readonly noted: Promise<void>
}

/** Prices the call, settles its hold, learns from it, and tells the metrics: what every call comes to, once. */
export function endCall(
  call: ModelCall,
  { outcome, usage, estimated, outputBytes, showedReasoning = false }: CallEnd,
): EndedCall {
  const { deps, who, model, rates, receipt, startedAtMs, hold, size } = call
  const { total, lines } = priceCall(rates, usage, startedAtMs)
  const endedAtMs = deps.clock.now()
  const versions = { catalogue: deps.catalogue.version, prices: deps.priceBook.version }
  const noted = settleCall(deps.metrics, hold, outcome, {
    actual: total,
    row: usageRowOf(who, model),
    quantities: usage.quantities,
    detail: receiptDetail({ who, model, versions, startedAtMs, endedAtMs, outcome, estimated, lines }),
  })
  if (!estimated && outcome === 'finished') {
    const { inputTokens, outputTokens, reasoningTokens } = usage.quantities
    const hidReasoning = reasoningTokens > 0 && !showedReasoning
    // Pictures and files have no text whose bytes could teach anything.
    const inputBytes = size.images + size.audioBytes + size.fileBytes === 0 ? size.textBytes : 0
    deps.learned.learn(model.id, { inputBytes, inputTokens, outputBytes, outputTokens, hidReasoning })
  }
  return { cost: answerCost(receipt, total, model, versions.prices, estimated), total, noted }
}

/** What is known of an output when its call ends. */
export interface Output {
  readonly reported: CallUsage | undefined
  /** Whether the provider came to its end: a report that it made on the way may be out of date. */
  readonly complete: boolean
}

interface KnownUsage {
  readonly usage: CallUsage
  readonly estimated: boolean
}

/** What a caller who hung up owes: what the provider bills, by its policy. */
export async function usageOfAbandoned(call: ModelCall, output: Output, text: () => string): Promise<KnownUsage> {
  const provider = call.deps.catalogue.providers.find(({ id }) => id === call.model.provider)
  if (provider?.onHangUp === 'nothing') return { usage: nothingUsed, estimated: false }
  return usageOfOutput(call, output, text)
}

/** The provider's report. Without one, or with one that leaves out the text that everybody saw, a count. */
export async function usageOfOutput(
  call: ModelCall,
  { reported, complete }: Output,
  text: () => string,
): Promise<KnownUsage> {
  if (reported !== undefined && complete && (reported.quantities.outputTokens > 0 || text() === ''))
    return { usage: reported, estimated: false }
  const { inputTokens, outputTokens } = await countedTokens(call, text())
  if (reported !== undefined && reported.quantities.outputTokens >= outputTokens)
    return { usage: reported, estimated: false }
  const inputReported = reported?.quantities.inputTokens ?? 0
  return {
    usage: countedUsage(inputReported > 0 ? inputReported : inputTokens, outputTokens),
    estimated: true,
  }
}

/** A call must not stay unsettled for want of a tokenizer: then its estimates stand. */
async function countedTokens({ deps, request, inputTokens, model, receipt }: ModelCall, text: string) {
  try {
    const counter = await tokenCounter()
    return { inputTokens: countInput(counter, request), outputTokens: counter.count(text) }
  } catch (error) {
    deps.log.error({ err: error, receipt }, 'the tokens of a call could not be counted')
    const bytesPerToken = deps.learned.outputBytesPerToken(model.id)
    return { inputTokens, outputTokens: Math.ceil(Buffer.byteLength(text) / bytesPerToken) }
  }
}
