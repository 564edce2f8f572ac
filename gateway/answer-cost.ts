import { type Micro, microToCredits } from '../credits/money.ts'
import type { Resolved } from '../credits/resolve-model.ts'
import type { CallUsage } from './usage.ts'

/** What an answer tells of who gave it. */
export type Answering = Pick<Resolved, 'id' | 'provider' | 'tier' | 'pricedAs'>

/** What a call cost, as its answer tells: computed here, the same arithmetic that the ledger is settled with. */
export interface AnswerCost {
  readonly receipt: string
  /** Exact decimal text. */
  readonly credits: string
  readonly microCredits: Micro
  /** `provider/model` */
  readonly model: string
  readonly tier: string
  readonly provider: string
  /** The model whose price was charged: differs from `model` for the practice provider. Of images, the activity. */
  readonly pricedAs: string
  readonly priceVersion: string
  readonly estimated: boolean
}

export function answerCost(
  receipt: string,
  cost: Micro,
  model: Answering,
  priceVersion: string,
  estimated: boolean,
): AnswerCost {
  const { id, tier, provider, pricedAs } = model
  return {
    receipt,
    credits: microToCredits(cost),
    microCredits: cost,
    model: id,
    tier,
    provider,
    pricedAs,
    priceVersion,
    estimated,
  }
}

/** Headers that are known before the answer; `x-tollgate-stands-for` is there when another model's price is charged. */
export function callHeaders(receipt: string, { id, provider, tier, pricedAs }: Answering): Record<string, string> {
  return {
    'x-tollgate-receipt': receipt,
    'x-tollgate-model': id,
    'x-tollgate-provider': provider,
    ...(tier === '' ? {} : { 'x-tollgate-tier': tier }),
    ...(pricedAs === id ? {} : { 'x-tollgate-stands-for': pricedAs }),
  }
}

/** OpenAI's usage object for tokens that Tollgate counted. */
export function openAiUsage({ quantities: { inputTokens, outputTokens } }: CallUsage): object {
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens }
}
