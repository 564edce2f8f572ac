import { type Micro, zero } from '../credits/money.ts'
import { affordableOutput, upperBound } from '../credits/price-usage.ts'
import { availableOf } from '../credits/balance.ts'
import type { ModelRates } from '../credits/model-rates.ts'
import type { Resolved } from '../credits/resolve-model.ts'
import type { AccountReader } from './account-reader.ts'
import { type ChatRequest, type InputSize, outputLimitOf } from './chat-request.ts'
import { clampOutput } from './clamp.ts'
import type { GatewayDeps } from './deps.ts'
import { estimateInputTokens } from './input-tokens.ts'
import { firstSliceTokens, leastTokens } from './lease.ts'

/** What one call needs before it may start on a model. */
export interface CallPlan {
  readonly model: Resolved
  readonly rates: ModelRates
  readonly inputTokens: number
  readonly amount: Micro
  readonly minimum: Micro
  /** Can be stopped when the credits are used up; otherwise it is limited in advance. */
  readonly cuttable: boolean
  /** The most output of all choices together, as the caller limits it; Infinity when nobody does. */
  readonly limitTokens: number
  /** An output limit per choice that the caller did not ask for. */
  readonly clampTokens: number | undefined
}

export type Planned = CallPlan | 'account_unknown'

/** Streams need the input and a first slice; a call that cannot be cut needs all it may cost, within its fair share. */
export async function planCall(
  deps: GatewayDeps,
  readAccount: AccountReader,
  accountId: string,
  call: { readonly request: ChatRequest; readonly size: InputSize; readonly model: Resolved; readonly atMs: number },
): Promise<Planned> {
  const { request, size, model, atMs } = call
  const rates = deps.priceBook.ratesOf(model.pricedAs)
  if (rates === undefined) throw new Error(`${model.pricedAs} was resolved and has no price`)
  const inputTokens = estimateInputTokens(size, deps.learned.inputBytesPerToken(model.id), model.contextWindow)
  const choices = request.n ?? 1
  const asked = outputLimitOf(request)
  const hiddenReasoning = model.hiddenReasoning || deps.learned.hidesReasoning(model.id)
  const cuttable = request.stream === true && !hiddenReasoning && !(request.modalities ?? []).includes('audio')
  const common = {
    model,
    rates,
    inputTokens,
    cuttable,
    limitTokens: asked === undefined ? Number.POSITIVE_INFINITY : asked * choices,
  }
  if (model.free) return { ...common, amount: zero, minimum: zero, clampTokens: undefined }
  if (cuttable) {
    const costOf = (tokens: number): Micro =>
      upperBound(
        rates,
        { input_tokens: inputTokens, output_tokens: Math.min(common.limitTokens, tokens * choices) },
        atMs,
      )
    return { ...common, amount: costOf(firstSliceTokens), minimum: costOf(leastTokens), clampTokens: undefined }
  }
  const account = await readAccount(accountId)
  if (account === 'unknown') return 'account_unknown'
  const limitTokens = Math.min(asked ?? model.maxOutputTokens, model.maxOutputTokens)
  const {
    amount,
    minimum,
    limitTokens: clampTokens,
  } = clampOutput({
    rates,
    atMs,
    inputTokens,
    limitTokens,
    choices,
    available: availableOf(account),
    fairShare: deps.catalogue.policies.fairShare,
  })
  return { ...common, amount, minimum, clampTokens }
}

/** Others may have taken a part of what was available a moment ago: a call that cannot be cut is limited to what it was given. */
export function fitToHold(
  plan: CallPlan,
  request: ChatRequest,
  granted: Micro,
  atMs: number,
): Pick<CallPlan, 'clampTokens'> {
  if (granted >= plan.amount) return plan
  return { clampTokens: Math.max(1, tokensThatFit(plan, request, granted, atMs)) }
}

/** Naming the limit makes the request a little longer. */
const limitFieldTokens = 16

/** How many output tokens per choice would fit what is available. */
export function tokensThatFit(
  { rates, inputTokens }: CallPlan,
  request: ChatRequest,
  available: Micro,
  atMs: number,
): number {
  return Math.floor(affordableOutput(rates, inputTokens + limitFieldTokens, available, atMs) / (request.n ?? 1))
}

/**
 * The request as the provider gets it: `model` is filled in by the provider's own name. The output limit goes into the field that the provider knows:
 * in another one it would be ignored, and what it was to bound produced without cover.
 */
export function upstreamRequest(
  request: ChatRequest,
  clampTokens: number | undefined,
  limitField: 'max_completion_tokens' | 'max_tokens',
): ChatRequest {
  const { max_completion_tokens: limit, ...others } = request
  const known = limitField === 'max_tokens' && limit != null ? { ...others, max_tokens: limit } : request
  const field =
    known.max_completion_tokens != null ? 'max_completion_tokens' : known.max_tokens != null ? 'max_tokens' : limitField
  return {
    ...known,
    ...(request.stream === true ? { stream_options: { ...request.stream_options, include_usage: true } } : {}),
    ...(clampTokens === undefined ? {} : { [field]: clampTokens }),
  }
}
