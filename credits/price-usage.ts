import { decimalOf, leastCommonMultiple } from './fraction.ts'
import { stepFor, variantAt } from './model-rates.ts'
import type { ModelRates, RateStep, RateVariant, UnitRate } from './model-rates.ts'
import { toMicro, zero } from './money.ts'
import type { Micro } from './money.ts'
import type { ReceiptLine } from './receipt.ts'
import type { Usage, UsageKey } from './usage-units.ts'

export type PriceAnswer =
  | { readonly ok: true; readonly total: Micro; readonly lines: readonly ReceiptLine[] }
  /** The usage has no price: a sentence says which quantity, and why. */
  | { readonly ok: false; readonly notPriced: string }

/**
 * The exact price of a usage at the prices of `atMs` (when the call began), rounded up once; the lines sum exactly to it.
 * What cannot be priced (contradictory counts, a quantity without a price) is refused, never free.
 */
export function priceUsage(rates: ModelRates, usage: Usage, atMs: number): PriceAnswer {
  const variant = variantAt(rates, atMs)
  const counted = rates.minimumAudioSeconds === 0 ? usage : withMinimum(usage, rates.minimumAudioSeconds)
  const fault = faultOf(counted, variant)
  if (fault !== '') return { ok: false, notPriced: fault }
  return wholePrice(variant, counted) ?? exactPrice(variant, counted)
}

/**
 * At least what a call will cost, for reserving: text input at the dearest text input rate, output at the dearest output rate.
 * Other quantities that are named (audio, images) are added at their own rates. Throws RangeError for a model that does not price text.
 */
export function upperBound(rates: ModelRates, usage: Usage, atMs: number): Micro {
  const variant = variantAt(rates, atMs)
  const inputTokens = usage.input_tokens ?? 0
  const step = textStep(rates, variant, inputTokens)
  let numerator = step.fixed + step.input * wholeUp(inputTokens) + step.output * wholeUp(usage.output_tokens ?? 0)
  for (const rate of variant.rates) {
    if (rate.key === 'requests' || rate.key === 'input_tokens' || rate.key === 'output_tokens') continue
    const quantity = usage[rate.key] ?? 0
    if (quantity > 0) numerator += stepFor(rate.steps, inputTokens).rate * wholeUp(quantity)
  }
  return upTo(numerator, variant.denominator)
}

/**
 * The most output tokens that `amount` pays for after `inputTokens` of input: `upperBound` of so many is within `amount`, of one
 * more is not. 0 when not even the input is affordable, 2^53 - 1 when output costs nothing. Throws RangeError as `upperBound` does.
 */
export function affordableOutput(rates: ModelRates, inputTokens: number, amount: Micro, atMs: number): number {
  const variant = variantAt(rates, atMs)
  const step = textStep(rates, variant, inputTokens)
  const left = BigInt(amount) * variant.denominator - step.fixed - step.input * wholeUp(inputTokens)
  if (left < 0n) return 0
  if (step.output === 0n) return Number.MAX_SAFE_INTEGER
  const tokens = left / step.output
  return tokens > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(tokens)
}

function textStep(rates: ModelRates, variant: RateVariant, inputTokens: number) {
  if (variant.text.length === 0) throw new RangeError(`${rates.id} has no price for text`)
  return stepFor(variant.text, inputTokens)
}

/** Nearly every call: whole quantities, and sums that a double holds exactly. null sends the caller to `exactPrice`. */
function wholePrice(variant: RateVariant, usage: Usage): PriceAnswer | null {
  const { rates, small: denominator } = variant
  const inputTokens = usage.input_tokens ?? 0
  const own: number[] = []
  const entries: LineEntry[] = []
  let numerator = 0
  let floors = 0
  for (const rate of rates) {
    let quantity = rate.key === 'requests' ? 1 : (usage[rate.key] ?? 0)
    for (const part of rate.parts) quantity -= own[part]!
    if (!Number.isSafeInteger(quantity)) return null
    if (quantity < 0) return { ok: false, notPriced: tooManyParts(rate) }
    own.push(quantity)
    if (quantity === 0) continue
    const step = stepFor(rate.steps, inputTokens)
    const share = step.small * quantity
    numerator += share
    const rest = share % denominator
    const floor = (share - rest) / denominator
    // NaN, from a rate or denominator beyond the safe range, fails here too.
    if (!Number.isSafeInteger(share) || !Number.isSafeInteger(numerator) || !Number.isSafeInteger(floor)) return null
    floors += floor
    entries.push({ rate, step, quantity, floor, rest })
  }
  const rest = numerator % denominator
  const total = (numerator - rest) / denominator + (rest > 0 ? 1 : 0)
  return { ok: true, total: toMicro(total), lines: linesOf(entries, total - floors) }
}

/** The same for seconds and other fractions, and for amounts beyond doubles. */
function exactPrice({ rates, denominator }: RateVariant, usage: Usage): PriceAnswer {
  const reported = new Map(
    rates.flatMap(({ key }) => (key === 'requests' ? [] : [[key as string, decimalOf(usage[key] ?? 0)] as const])),
  )
  const scale = leastCommonMultiple([...reported.values()].map((value) => value.denominator))
  const whole = (key: string): bigint => {
    if (key === 'requests') return scale
    const { numerator, denominator: parts } = reported.get(key)!
    return numerator * (scale / parts)
  }
  const inputTokens = usage.input_tokens ?? 0
  const own: bigint[] = []
  const shares: { readonly entry: Omit<LineEntry, 'floor' | 'rest'>; readonly share: bigint }[] = []
  for (const rate of rates) {
    let quantity = whole(rate.key)
    for (const part of rate.parts) quantity -= own[part]!
    // 0.1 + 0.2 of 0.3: parts that were added as doubles may exceed their sum by a hair.
    if (quantity < 0n && -quantity * 2n ** 52n <= larger(scale, whole(rate.key)) * BigInt(rates.length + 1))
      quantity = 0n
    if (quantity < 0n) return { ok: false, notPriced: tooManyParts(rate) }
    own.push(quantity)
    if (quantity === 0n) continue
    const step = stepFor(rate.steps, inputTokens)
    shares.push({ entry: { rate, step, quantity: Number(quantity) / Number(scale) }, share: step.rate * quantity })
  }
  const divisor = denominator * scale
  const total = (shares.reduce((all, { share }) => all + share, 0n) + divisor - 1n) / divisor
  if (total > BigInt(Number.MAX_SAFE_INTEGER)) return { ok: false, notPriced: 'the price is beyond any account' }
  const entries = shares.map(({ entry, share }): LineEntry => {
    // Only the order of the rests matters to the lines: a double tells them apart well enough.
    return { ...entry, floor: Number(share / divisor), rest: Number(share % divisor) }
  })
  return {
    ok: true,
    total: toMicro(Number(total)),
    lines: linesOf(entries, Number(total) - entries.reduce((all, { floor }) => all + floor, 0)),
  }
}

function tooManyParts({ key }: UnitRate): string {
  return `the parts of ${key} are more than ${key}`
}

interface LineEntry {
  readonly rate: UnitRate
  readonly step: RateStep
  readonly quantity: number
  /** Whole µcr of the line before rounding, and what is over. */
  readonly floor: number
  readonly rest: number
}

/** Largest remainder: the µcr that rounding down each line left over go to the lines that lost most. */
function linesOf(entries: readonly LineEntry[], left: number): readonly ReceiptLine[] {
  const luckiest = left === 0 ? [] : entries.toSorted((one, other) => other.rest - one.rest).slice(0, left)
  return entries
    .toSorted((one, other) => one.rate.place - other.rate.place)
    .map((entry): ReceiptLine => ({
      kind: entry.rate.unit.kind,
      quantity: entry.quantity,
      unit: entry.rate.unit.unit,
      rate: entry.step.text,
      amount: toMicro(entry.floor + (luckiest.includes(entry) ? 1 : 0)),
    }))
}

/** Why a usage has no price; '' when it has one. What was not reported is zero only if nothing that was reported says otherwise. */
function faultOf(usage: Usage, { countsIn, overlaps }: RateVariant): string {
  for (const key in usage) {
    const value = usage[key as UsageKey]
    if (value === undefined) continue
    if (typeof value !== 'number' || !(value >= 0) || value === Infinity)
      return `${key} is not a quantity: ${String(value)}`
    if (value === 0) continue
    const wholes = countsIn.get(key) ?? []
    if (wholes.length === 0) return `${key} has no price`
    for (const whole of wholes) {
      if (usage[whole] === undefined) return `${key} is part of ${whole}, which is missing`
    }
  }
  for (const { key, pairs } of overlaps) {
    if (usage[key] !== undefined) continue
    const pair = pairs.find(([one, other]) => (usage[one] ?? 0) > 0 && (usage[other] ?? 0) > 0)
    if (pair !== undefined) return `${pair[0]} and ${pair[1]} overlap in ${key}, which is missing`
  }
  return ''
}

/** Groq charges its transcriptions ten seconds at least; nothing said stays free. */
function withMinimum(usage: Usage, seconds: number): Usage {
  const { audio_seconds: all = 0, input_audio_seconds: input = 0 } = usage
  const said = all === 0 ? input : all
  // What is no quantity is left for `faultOf` to refuse.
  if (!(said > 0 && input >= 0)) return usage
  const charged = Math.max(said, seconds)
  return { ...usage, audio_seconds: charged, input_audio_seconds: charged }
}

/** Estimates may have fractions; a bound rounds them up. */
function wholeUp(quantity: number): bigint {
  return BigInt(Math.ceil(quantity))
}

function larger(one: bigint, other: bigint): bigint {
  return one > other ? one : other
}

function upTo(numerator: bigint, denominator: bigint): Micro {
  if (numerator === 0n) return zero
  return toMicro(Number((numerator + denominator - 1n) / denominator))
}
