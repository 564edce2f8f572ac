import type { ModelRates } from '../credits/model-rates.ts'
import { type Micro, toMicro } from '../credits/money.ts'
import { affordableOutput, upperBound } from '../credits/price-usage.ts'

export interface ClampInput {
  readonly rates: ModelRates
  readonly atMs: number
  readonly inputTokens: number
  /** Per choice: the caller's own limit, or the model's. */
  readonly limitTokens: number
  readonly choices: number
  readonly available: Micro
  /** A call holds at most this part of what is available: 8 = an eighth. */
  readonly fairShare: number
}

export interface Clamp {
  readonly amount: Micro
  readonly minimum: Micro
  /** The output limit per choice that `amount` pays for; undefined when the balance affords all that was asked. */
  readonly limitTokens: number | undefined
}

/** An answer shorter than this is no answer: a small balance gives more than its fair share for it. */
const usefulTokens = 256

/**
 * What to hold for a call that cannot be cut, and the output limit that makes the hold enough: all that it may cost, but at most a fair share of what is
 * available, and at least a useful answer.
 */
export function clampOutput({
  rates,
  atMs,
  inputTokens,
  limitTokens,
  choices,
  available,
  fairShare,
}: ClampInput): Clamp {
  const costOf = (perChoice: number): Micro =>
    upperBound(rates, { input_tokens: inputTokens, output_tokens: perChoice * choices }, atMs)
  const whole = costOf(limitTokens)
  const minimum = costOf(Math.min(limitTokens, usefulTokens))
  const share = toMicro(Math.max(Math.floor(available / fairShare), minimum))
  if (whole <= share) return { amount: whole, minimum, limitTokens: undefined }
  const affordable = Math.floor(affordableOutput(rates, inputTokens, share, atMs) / choices)
  return { amount: share, minimum, limitTokens: Math.max(1, Math.min(limitTokens, affordable)) }
}
