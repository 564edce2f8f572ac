import { decimalText, fraction, leastCommonMultiple } from './fraction.ts'
import type { Fraction } from './fraction.ts'
import { compatible, contains, overlapOf, usageKeys, usageUnits } from './usage-units.ts'
import type { UsageKey, UsageUnit } from './usage-units.ts'

/** Compiled prices of one model, markup included: every rate an integer over one denominator. */
export interface ModelRates {
  /** `provider/model` whose price it is. */
  readonly id: string
  /** In the order of the price list: the last whose time fits counts, else the first. */
  readonly variants: readonly RateVariant[]
  /** Audio shorter than this is charged as this long; 0 = no minimum. */
  readonly minimumAudioSeconds: number
  /** Prices input and output tokens at all times. A model that does not cannot answer a chat. */
  readonly pricesText: boolean
}

export interface RateVariant {
  readonly when: RateTime
  readonly rates: readonly UnitRate[]
  /** µcr = sum of rate × quantity, over this. NaN in `small` when it is no safe integer. */
  readonly denominator: bigint
  readonly small: number
  /** What a text token costs at most, by size of the input; empty when text has no price. */
  readonly text: readonly TextStep[]
  /** The priced units that a reported quantity counts in, itself included. None: the quantity has no price. */
  readonly countsIn: ReadonlyMap<string, readonly UsageKey[]>
  /** Priced overlaps that must be reported when both units of a pair are. */
  readonly overlaps: readonly Overlap[]
}

export interface Overlap {
  readonly key: UsageKey
  readonly pairs: readonly (readonly [UsageKey, UsageKey])[]
}

export type RateTime =
  | { readonly kind: 'always' }
  | { readonly kind: 'from'; readonly atMs: number }
  /** Of each UTC day; `endMs` before `startMs` spans midnight. */
  | { readonly kind: 'daily'; readonly startMs: number; readonly endMs: number }

/** The rate of one unit. More specific units come first in a variant, so `parts` point backwards. */
export interface UnitRate {
  readonly key: UsageKey | 'requests'
  readonly unit: UsageUnit
  /** Place of its line on a receipt. */
  readonly place: number
  /** Positions of the rates whose quantities are parts of this one: they are taken out of it, and charged there. */
  readonly parts: readonly number[]
  /** By total input tokens: the last step that is exceeded prices the whole quantity. The first has `above` -1. */
  readonly steps: readonly RateStep[]
}

export interface RateStep {
  readonly above: number
  readonly rate: bigint
  /** The same as a number; NaN when it is no safe integer. */
  readonly small: number
  /** µcr per unit, exact decimal text; '' when the decimals never end. */
  readonly text: string
}

export interface TextStep {
  readonly above: number
  readonly input: bigint
  readonly output: bigint
  /** Price of the request itself. */
  readonly fixed: bigint
}

/** Exact µcr per unit, before compilation. */
export interface UnitPrice {
  readonly key: UsageKey | 'requests'
  readonly steps: readonly { readonly above: number; readonly rate: Fraction }[]
}

/**
 * Why these units cannot be priced together; '' when they can. A part needs a price for its whole, and two units that may count
 * the same quantity need a price for their overlap: otherwise something would be charged twice or not at all.
 */
export function faultOfUnits(keys: readonly (UsageKey | 'requests')[]): string {
  const priced = new Set<string>(keys)
  for (const key of keys) {
    const unit: UsageUnit = usageUnits[key]
    for (const [name, other] of Object.entries<UsageUnit>(usageUnits)) {
      if (name !== key && contains(other, unit) && !priced.has(name))
        return `${key} has a price, so ${name} needs one too`
    }
    for (const otherKey of keys) {
      const other: UsageUnit = usageUnits[otherKey]
      if (otherKey <= key || !compatible(unit, other)) continue
      const overlap = overlapOf(unit, other)
      if (overlap === undefined) return `${key} and ${otherKey} overlap, and nothing names what is both`
      if (!priced.has(keyOf(overlap))) return `${key} and ${otherKey} have prices, so ${keyOf(overlap)} needs one too`
    }
  }
  return ''
}

/** Integer rates of prices that `faultOfUnits` found sound. */
export function compileVariant(when: RateTime, prices: readonly UnitPrice[]): RateVariant {
  const denominator = leastCommonMultiple(prices.flatMap(({ steps }) => steps.map(({ rate }) => rate.denominator)))
  const ordered = prices.toSorted((one, other) => depth(other) - depth(one) || (one.key < other.key ? -1 : 1))
  const rates = ordered.map(({ key, steps }, position): UnitRate => {
    const unit: UsageUnit = usageUnits[key]
    return {
      key,
      unit,
      place: places.indexOf(key),
      parts: ordered.slice(0, position).flatMap((part, at) => (contains(unit, usageUnits[part.key]) ? [at] : [])),
      steps: steps.map(({ above, rate }) => {
        const scaled = rate.numerator * (denominator / rate.denominator)
        return { above, rate: scaled, small: smallOf(scaled), text: decimalText(rate) }
      }),
    }
  })
  const reported = rates.flatMap(({ key }) => (key === 'requests' ? [] : [key]))
  return {
    when,
    rates,
    denominator,
    small: smallOf(denominator),
    text: textSteps(rates),
    countsIn: new Map(
      usageKeys.map((key) => [key, reported.filter((whole) => contains(usageUnits[whole], usageUnits[key]))]),
    ),
    overlaps: reported.map((key) => ({ key, pairs: pairsOf(key) })).filter(({ pairs }) => pairs.length > 0),
  }
}

/** Units that overlap in exactly this one. Neither contains the other, or their overlap would be one of them. */
function pairsOf(key: UsageKey): readonly (readonly [UsageKey, UsageKey])[] {
  const wholes = usageKeys.filter((whole) => whole !== key && contains(usageUnits[whole], usageUnits[key]))
  return wholes.flatMap((one, at) =>
    wholes
      .slice(at + 1)
      .flatMap((other) =>
        overlapOf(usageUnits[one], usageUnits[other]) === usageUnits[key] ? [[one, other] as const] : [],
      ),
  )
}

/** The step that prices a request with this many input tokens. */
export function stepFor<Step extends { readonly above: number }>(steps: readonly Step[], inputTokens: number): Step {
  let at = steps.length - 1
  while (at > 0 && inputTokens <= steps[at]!.above) at -= 1
  return steps[at]!
}

/** The prices in force at an instant. */
export function variantAt(rates: ModelRates, atMs: number): RateVariant {
  for (let at = rates.variants.length - 1; at > 0; at -= 1) {
    const variant = rates.variants[at]!
    if (applies(variant.when, atMs)) return variant
  }
  return rates.variants[0]!
}

function applies(when: RateTime, atMs: number): boolean {
  if (when.kind === 'always') return true
  if (when.kind === 'from') return atMs >= when.atMs
  const ofDay = ((atMs % dayMs) + dayMs) % dayMs
  const { startMs, endMs } = when
  return endMs < startMs ? ofDay >= startMs || ofDay < endMs : ofDay >= startMs && ofDay < endMs
}

/** The order of receipt lines: input, what was cached of it, what came with it, output, and all else. */
const places: readonly string[] = [
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  ...Object.keys(usageUnits).filter((key) =>
    /^(input|cache)_(?!tokens|read_tokens|write_tokens|write_5m_tokens|write_1h_tokens)/.test(key),
  ),
  'output_tokens',
  ...Object.keys(usageUnits).filter((key) => /^output_(?!tokens)/.test(key)),
  ...Object.keys(usageUnits).filter((key) => !/^(input|cache|output)_/.test(key)),
]

const dayMs = 86_400_000

/**
 * Text input may turn out to be written to the provider's cache, and output may turn out to be reasoning: the dearest counts.
 * A one-hour cache write is left out, since only a caller who asks for it gets it.
 */
const textInput = ['input_tokens', 'cache_write_tokens', 'cache_write_5m_tokens'] as const
const textOutput = ['output_tokens', 'output_reasoning_tokens', 'output_citation_tokens'] as const

function textSteps(rates: readonly UnitRate[]): readonly TextStep[] {
  const of = (key: string) => rates.find((rate) => rate.key === key)
  if (of('input_tokens') === undefined || of('output_tokens') === undefined) return []
  const dearest = (keys: readonly string[], inputTokens: number): bigint =>
    keys.reduce((most, key) => {
      const rate = of(key)
      const price = rate === undefined ? 0n : stepFor(rate.steps, inputTokens).rate
      return price > most ? price : most
    }, 0n)
  const bounds = new Set(rates.flatMap(({ steps }) => steps.map(({ above }) => above)))
  return [...bounds]
    .toSorted((one, other) => one - other)
    .map((above) => ({
      above,
      input: dearest(textInput, above + 1),
      output: dearest(textOutput, above + 1),
      fixed: dearest(['requests'], above + 1),
    }))
}

function depth({ key }: UnitPrice): number {
  return Object.keys(usageUnits[key].dimensions).length
}

function smallOf(value: bigint): number {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Number.NaN
}

function keyOf(unit: UsageUnit): string {
  return Object.entries(usageUnits).find(([, other]) => other === unit)![0]
}

/** What a zero-rated provider charges: everything is counted, and costs nothing. */
export const zeroRates: ModelRates = {
  id: '',
  variants: [
    compileVariant(
      { kind: 'always' },
      (['input_tokens', 'output_tokens'] as const).map((key) => ({
        key,
        steps: [{ above: -1, rate: fraction(0n, 1n) }],
      })),
    ),
  ],
  minimumAudioSeconds: 0,
  pricesText: true,
}
