import { calcPrice } from '@pydantic/genai-prices'
import type { ConditionalPrice, ModelPrice } from '@pydantic/genai-prices'

import type { Catalogue } from './catalogue.ts'
import { decimalOf, fraction, parseDecimal, times } from './fraction.ts'
import type { Fraction } from './fraction.ts'
import { compileVariant, faultOfUnits, zeroRates } from './model-rates.ts'
import type { ModelRates, RateTime, RateVariant, UnitPrice } from './model-rates.ts'
import { microPerCredit } from './money.ts'
import { usageUnits } from './usage-units.ts'
import type { UsageKey } from './usage-units.ts'

/** The price list that is installed; a test fails when this line is not the installed version. */
export const priceLibraryVersion = '0.1.8'

/** Every price that Tollgate charges for models. Ids are `price list/model`, as in `Resolved.pricedAs`. */
export interface PriceBook {
  /** Names the price list, overrides and markup: written on every receipt. */
  readonly version: string
  /** Rates of a model, or undefined when it has no price. Model names are matched as the price library does. */
  ratesOf(id: string): ModelRates | undefined
  /** Whether the price list has heard of the model, priced or not. */
  knows(id: string): boolean
}

/** Prices of the library and the catalogue's own, markup included. Models are compiled when they are first asked for. */
export function compilePrices(catalogue: Pick<Catalogue, 'markup' | 'prices' | 'providers'>): PriceBook {
  const markup = fraction(catalogue.markup.numerator, catalogue.markup.denominator)
  const overrides = new Map(
    catalogue.prices.map(({ model, creditsPerMillion }) => [
      model.toLowerCase(),
      ratesOfOverride(model, creditsPerMillion),
    ]),
  )
  const zeroRated = new Set(catalogue.providers.filter(({ kind }) => kind === 'ollama').map(({ id }) => id))
  const found = new Map<string, Found>()

  const find = (id: string): Found => {
    const known = found.get(id)
    if (known !== undefined) return known
    const answer = look(id)
    // Names come from callers, so the memory of them is bounded.
    if (found.size >= 2_000) found.clear()
    found.set(id, answer)
    return answer
  }
  const look = (id: string): Found => {
    const own = overrides.get(id.toLowerCase())
    if (own !== undefined) return { known: true, rates: own }
    const slash = id.indexOf('/')
    if (slash < 1 || slash === id.length - 1) return { known: false, rates: undefined }
    if (zeroRated.has(id.slice(0, slash))) return { known: true, rates: { ...zeroRates, id } }
    return fromLibrary(id, id.slice(0, slash), id.slice(slash + 1), markup)
  }
  return {
    version: versionOf(catalogue),
    ratesOf: (id) => find(id).rates,
    knows: (id) => find(id).known,
  }
}

interface Found {
  readonly known: boolean
  readonly rates: ModelRates | undefined
}

function fromLibrary(id: string, list: string, name: string, markup: Fraction): Found {
  let match: ReturnType<typeof calcPrice>
  try {
    // An empty usage costs nothing and tells which model the library means: its matching has many rules, none of them ours.
    match = calcPrice({}, name, { providerId: list, timestamp: new Date(0) })
  } catch {
    // The library has the model and cannot price it.
    return { known: true, rates: undefined }
  }
  // It also guesses providers ('openai-eu' finds openai); a price list is named exactly.
  if (match === null || match.provider.id !== list) return { known: false, rates: undefined }
  const prices: readonly ConditionalPrice[] = Array.isArray(match.model.prices)
    ? match.model.prices
    : [{ prices: match.model.prices }]
  const variants = prices.map((price) => variantOf(price, markup))
  if (variants.length === 0 || variants.some((variant) => variant === undefined))
    return { known: true, rates: undefined }
  const whisper = list === 'groq' && /^whisper-large-v3(-turbo)?$/.test(match.model.id)
  return { known: true, rates: modelRates(id, variants as RateVariant[], whisper ? 10 : 0) }
}

function modelRates(id: string, variants: readonly RateVariant[], minimumAudioSeconds: number): ModelRates {
  return { id, variants, minimumAudioSeconds, pricesText: variants.every(({ text }) => text.length > 0) }
}

/** undefined: no price, or one that this code does not understand. An entry without prices is "unknown" in the library's data, not "free". */
function variantOf({ constraint, prices }: ConditionalPrice, markup: Fraction): RateVariant | undefined {
  const priced = Object.entries(prices).flatMap(([priceKey, price]) =>
    price === undefined ? [] : [{ priceKey, price }],
  )
  const units = priced.map(({ priceKey, price }) => unitPriceOf(priceKey, price, markup))
  if (units.length === 0 || units.some((unit) => unit === undefined)) return undefined
  const sound = units as UnitPrice[]
  if (faultOfUnits(sound.map(({ key }) => key)) !== '') return undefined
  const when = timeOf(constraint)
  return when === undefined ? undefined : compileVariant(when, sound)
}

function unitPriceOf(
  priceKey: string,
  price: NonNullable<ModelPrice[string]>,
  markup: Fraction,
): UnitPrice | undefined {
  const key = keyOfPrice.get(priceKey)
  if (key === undefined) return undefined
  const microPerUnit = (dollars: number): Fraction =>
    times(times(decimalOf(dollars), fraction(microPerDollar, BigInt(usageUnits[key].per))), markup)
  const base = typeof price === 'number' ? price : price.base
  const tiers = typeof price === 'number' ? [] : price.tiers
  return {
    key,
    steps: [
      { above: -1, rate: microPerUnit(base) },
      ...tiers
        .toSorted((one, other) => one.start - other.start)
        .map(({ start, price: rate }) => ({ above: start, rate: microPerUnit(rate) })),
    ],
  }
}

/** 1 credit ≈ $0.01. */
const microPerDollar = BigInt(100 * microPerCredit)

const keyOfPrice = new Map(
  (Object.keys(usageUnits) as (UsageKey | 'requests')[]).map((key) => [usageUnits[key].priceKey as string, key]),
)

function timeOf(constraint: ConditionalPrice['constraint']): RateTime | undefined {
  if (constraint === undefined) return { kind: 'always' }
  if (constraint.type === 'start_date') return { kind: 'from', atMs: Date.parse(constraint.start_date) }
  if (constraint.type !== 'time_of_date') return undefined
  return { kind: 'daily', startMs: msOfDay(constraint.start_time), endMs: msOfDay(constraint.end_time) }
}

/** '01:30:00Z' or '03:30:00+02:00' as ms after midnight UTC. */
function msOfDay(time: string): number {
  const [, clock, zone] = /^(\d{2}:\d{2}:\d{2}(?:\.\d+)?)(Z|[+-]\d{2}:\d{2})$/.exec(time) ?? []
  if (clock === undefined) throw new RangeError(`not a time of day: ${time}`)
  return ((Date.parse(`2000-01-02T${clock}${zone}`) % 86_400_000) + 86_400_000) % 86_400_000
}

/** Its keys are sound: the catalogue's parser saw to it. */
function ratesOfOverride(model: string, creditsPerMillion: Readonly<Record<string, string>>): ModelRates {
  const units = Object.entries(creditsPerMillion).map(([key, text]): UnitPrice => ({
    key: key as UsageKey | 'requests',
    steps: [{ above: -1, rate: parseDecimal(text) }],
  }))
  return modelRates(model, [compileVariant({ kind: 'always' }, units)], 0)
}

function versionOf({ markup, prices }: Pick<Catalogue, 'markup' | 'prices'>): string {
  const overrides = prices
    .map(({ model, creditsPerMillion }) => [
      model,
      Object.entries(creditsPerMillion).toSorted(([one], [other]) => (one < other ? -1 : 1)),
    ])
    .toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1))
  const { numerator, denominator } = fraction(markup.numerator, markup.denominator)
  return `${priceLibraryVersion}-${shortHash(JSON.stringify([priceLibraryVersion, `${numerator}/${denominator}`, overrides]))}`
}

/** cyrb53 in hexadecimal: tells two price books apart; guards against nothing. */
function shortHash(text: string): string {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(16).padStart(14, '0')
}
