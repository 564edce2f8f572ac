import { readFileSync } from 'node:fs'

import { calcPrice, findProvider } from '@pydantic/genai-prices'
import { describe, expect, test, vi } from 'vitest'

import { stepFor } from '../../credits/model-rates.ts'
import { sum, toMicro } from '../../credits/money.ts'
import { affordableOutput, priceUsage, upperBound } from '../../credits/price-usage.ts'
import type { PriceAnswer } from '../../credits/price-usage.ts'
import { compilePrices, priceLibraryVersion } from '../../credits/prices.ts'
import { contains, usageKeys, usageUnits } from '../../credits/usage-units.ts'
import type { Usage, UsageKey, UsageUnit } from '../../credits/usage-units.ts'
import { listPrices, pricedModels, seeded, variantsOf } from './price-fixtures.ts'
import type { PricedModel } from './price-fixtures.ts'
import providerIds from './priced-providers.json' with { type: 'json' }

const book = listPrices()
const day = Date.parse('2026-11-22T12:00:00Z')

describe('equal to the price library', () => {
  const models = pricedModels()
  const special = models.filter(({ info }) => {
    const text = JSON.stringify(info.prices)
    return /tiers|constraint|audio|1h|image|reasoning|citation|requests|video|kpages|messages/.test(text)
  })

  test('within one micro-credit on 10,000 usages of its priced models, and refused where it throws', () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const random = seeded(20261122)
    const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!
    const seen = {
      priced: 0,
      refused: 0,
      notFree: 0,
      steps: 0,
      daily: 0,
      dated: 0,
      audio: 0,
      cacheWrite: 0,
      cached: 0,
      exact: 0,
    }
    const wrong: string[] = []
    for (let compared = 0; compared < 10_000; compared += 1) {
      const model = compared < models.length ? models[compared]! : random() < 0.6 ? pick(special) : pick(models)
      const atMs = anInstant(random)
      const usage = aUsage(model, atMs, random)
      const library = libraryPrice(model, usage, atMs)
      const answer = priceUsage(book.ratesOf(`${model.provider}/${model.name}`)!, usage, atMs)
      const difference = differenceBetween(answer, library)
      if (difference !== '') {
        wrong.push(
          `${model.provider}/${model.name} ${JSON.stringify(usage)} at ${new Date(atMs).toISOString()}: ${difference}`,
        )
      }
      if (library === 'throws') seen.refused += 1
      else if (!answer.ok) seen.notFree += 1
      else {
        const prices = JSON.stringify(model.info.prices)
        seen.priced += 1
        if (prices.includes('tiers')) seen.steps += 1
        if (prices.includes('time_of_date')) seen.daily += 1
        if (prices.includes('start_date')) seen.dated += 1
        if (answer.lines.some(({ kind }) => kind.includes('audio'))) seen.audio += 1
        if (answer.lines.some(({ kind }) => kind.includes('cache_write'))) seen.cacheWrite += 1
        if (answer.lines.some(({ kind }) => kind.includes('cached'))) seen.cached += 1
        if (Object.values(usage).some((quantity) => !Number.isInteger(quantity))) seen.exact += 1
      }
    }
    expect(wrong).toEqual([])
    // The usages did reach every kind of price.
    expect(Object.entries(seen).filter(([, times]) => times < 40)).toEqual([])
    expect(seen.priced).toBeGreaterThan(7_000)
  })

  test('a model has rates exactly when the library prices it', () => {
    const all = providerIds.flatMap((provider) =>
      findProvider({ providerId: provider })!.models.map((info) => ({ provider, name: info.id, info })),
    )
    const differs = all.filter(({ provider, name }) => {
      const found = calcPrice({}, name, { providerId: provider })
      const priced = found !== null && variantsOf(found.model).every(({ prices }) => Object.keys(prices).length > 0)
      return (
        (book.ratesOf(`${provider}/${name}`) !== undefined) !== priced ||
        book.knows(`${provider}/${name}`) !== (found !== null)
      )
    })
    expect(differs.map(({ provider, name }) => `${provider}/${name}`)).toEqual([])
  })

  test('the list of providers is that of the installed version', () => {
    const source = readFileSync(
      new URL('../../node_modules/@pydantic/genai-prices/dist/index.js', import.meta.url),
      'utf8',
    )
    const listed = [
      ...source.matchAll(/\{\s+id: "([^"]+)",\s+name: "[^"]+",\s+(?:description|pricing_urls|api_pattern)/g),
    ].map(([, id]) => id!)
    expect([...new Set(listed)].filter((id) => findProvider({ providerId: id })?.id === id).toSorted()).toEqual(
      providerIds.toSorted(),
    )
    expect(pricedModels().length).toBeGreaterThan(1_400)
  })

  test('the version constant is the installed version', () => {
    const installed = JSON.parse(
      readFileSync(new URL('../../node_modules/@pydantic/genai-prices/package.json', import.meta.url), 'utf8'),
    )
    expect(priceLibraryVersion).toBe(installed.version)
  })

  test('every unit is the one that the library has', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const wrong: UsageKey[] = []
    for (const key of usageKeys) {
      // Its wholes at a price of nothing: only this unit costs, one dollar per lot.
      const wholes = usageKeys.filter((whole) => contains(usageUnits[whole], usageUnits[key]))
      const prices = Object.fromEntries(wholes.map((whole) => [usageUnits[whole].priceKey, whole === key ? 1 : 0]))
      const provider = { id: 'x', name: 'x', api_pattern: 'x', models: [{ id: 'm', match: { equals: 'm' }, prices }] }
      const usage = Object.fromEntries(wholes.map((whole) => [whole, 7]))
      const priced = wholesPriced(wholes) ? calcPrice(usage, 'm', { provider }) : null
      if (priced !== null && Math.abs(priced.total_price - 7 / usageUnits[key].per) > 1e-12) wrong.push(key)
    }
    expect(wrong).toEqual([])
    expect(warned).not.toHaveBeenCalled()
    warned.mockRestore()
  })

  test('no priced model has a unit that Tollgate does not know', () => {
    const known = new Set<string>(Object.values<UsageUnit>(usageUnits).map(({ priceKey }) => priceKey))
    const unknown = pricedModels().flatMap(({ info }) =>
      variantsOf(info).flatMap(({ prices }) => Object.keys(prices).filter((key) => !known.has(key))),
    )
    expect(unknown).toEqual([])
  })
})

describe('golden prices', () => {
  const million = 1_000_000
  test.each<[string, string, Usage, number, Record<string, number>]>([
    [
      'cached reads',
      'openai/gpt-4.1',
      { input_tokens: 1000, cache_read_tokens: 400, output_tokens: 100 },
      220_000,
      { input: 120_000, cached_input: 20_000, output: 80_000 },
    ],
    [
      'cache writes of five minutes',
      'anthropic/claude-haiku-4-5',
      { input_tokens: 1000, cache_write_tokens: 400, output_tokens: 100 },
      160_000,
      { input: 60_000, cache_write: 50_000, output: 50_000 },
    ],
    [
      'cache writes of an hour',
      'anthropic/claude-haiku-4-5',
      { input_tokens: 1000, cache_write_tokens: 400, cache_write_1h_tokens: 300, output_tokens: 0 },
      132_500,
      { input: 60_000, cache_write: 12_500, cache_write_1h: 60_000 },
    ],
    [
      'reasoning inside output',
      'openai/gpt-5-mini',
      { input_tokens: 1000, output_tokens: 500, output_reasoning_tokens: 400 },
      125_000,
      { input: 25_000, output: 100_000 },
    ],
    [
      'reasoning with a price of its own',
      'perplexity/sonar-deep-research',
      { input_tokens: 1000, output_tokens: 500, output_reasoning_tokens: 400 },
      400_000,
      { input: 200_000, output: 80_000, reasoning: 120_000 },
    ],
    [
      'audio tokens',
      'openai/gpt-realtime',
      {
        input_tokens: 1000,
        input_audio_tokens: 600,
        cache_read_tokens: 0,
        cache_audio_read_tokens: 0,
        output_tokens: 200,
        output_audio_tokens: 150,
      },
      3_120_000,
      { input: 160_000, audio_input: 1_920_000, output: 80_000, audio_output: 960_000 },
    ],
    [
      'a long context: all of it at the higher step',
      'openai/gpt-6-sol',
      { input_tokens: 272_001, output_tokens: 1000 },
      110_300_400,
      { input: 108_800_400, output: 1_500_000 },
    ],
    [
      'one token less: all of it at the lower step',
      'openai/gpt-6-sol',
      { input_tokens: 272_000, output_tokens: 1000 },
      55_400_000,
      { input: 54_400_000, output: 1_000_000 },
    ],
    ['ten seconds at least', 'groq/whisper-large-v3', { audio_seconds: 0.5 }, 30_834, { audio_input: 30_834 }],
    [
      'a fixed price per request',
      'perplexity/sonar',
      { input_tokens: 1000, output_tokens: 1000 },
      1_400_000,
      { input: 100_000, output: 100_000, requests: 1_200_000 },
    ],
    [
      'one rounding, up',
      'openai/gpt-5-nano',
      { input_tokens: 1, cache_read_tokens: 1, output_tokens: 0 },
      1,
      { cached_input: 1 },
    ],
    [
      'rounding together, not by line',
      'groq/openai/gpt-oss-20b',
      { input_tokens: 2, cache_read_tokens: 1, output_tokens: 0 },
      12,
      { input: 8, cached_input: 4 },
    ],
    [
      'embeddings: input alone',
      'openai/text-embedding-3-small',
      { input_tokens: million },
      2_000_000,
      { input: 2_000_000 },
    ],
  ])('%s (%s)', (_what, id, usage, total, lines) => {
    const answer = priceUsage(book.ratesOf(id)!, usage, day)
    expect(
      answer.ok && {
        total: answer.total,
        lines: Object.fromEntries(answer.lines.map(({ kind, amount }) => [kind, amount])),
      },
    ).toEqual({ total, lines })
  })

  test('a dearer hour of the day begins and ends on the second', () => {
    const rates = book.ratesOf('deepseek/deepseek-v4-pro')!
    const cost = (time: string) => upperBound(rates, { input_tokens: 1_000_000 }, Date.parse(`2026-11-22T${time}Z`))
    expect([cost('01:00:00'), cost('04:00:00'), cost('06:00:00'), cost('10:00:00')]).toEqual([
      cost('02:00:00'),
      cost('05:00:00'),
      cost('02:00:00'),
      cost('05:00:00'),
    ])
    expect(cost('00:59:59.999')).toBe(cost('05:00:00'))
    expect(cost('02:00:00')).toBeGreaterThan(cost('05:00:00'))
  })

  test('a new price counts from midnight UTC of its day', () => {
    const rates = book.ratesOf('openai/gpt-5.6-luna')!
    expect(upperBound(rates, { output_tokens: 100 }, Date.parse('2026-07-29T23:59:59.999Z'))).toBe(60_000)
    expect(upperBound(rates, { output_tokens: 100 }, Date.parse('2026-07-30T00:00:00Z'))).toBe(12_000)
  })
})

describe('refused, never free', () => {
  test.each<[string, Usage]>([
    ['more cached than input', { input_tokens: 10, cache_read_tokens: 11, output_tokens: 1 }],
    ['parts of an input that is missing', { cache_read_tokens: 1, output_tokens: 1 }],
    ['a negative count', { input_tokens: -1, output_tokens: 1 }],
    ['no number', { input_tokens: Number.NaN, output_tokens: 1 }],
    ['an endless count', { input_tokens: Number.POSITIVE_INFINITY }],
    ['a quantity that the model has no price for', { input_tokens: 1, audio_seconds: 60 }],
    ['a quantity that nobody knows', { input_tokens: 1, smells: 3 } as Usage],
    ['more than any account holds', { input_tokens: 1e17, output_tokens: 1 }],
  ])('%s', (_what, usage) => {
    expect(priceUsage(book.ratesOf('openai/gpt-4.1')!, usage, day)).toMatchObject({ ok: false })
  })

  test('cached and audio tokens whose overlap was not reported', () => {
    const usage = { input_tokens: 100, cache_read_tokens: 50, input_audio_tokens: 60, output_tokens: 1 }
    const rates = book.ratesOf('openai/gpt-realtime')!
    expect(priceUsage(rates, usage, day)).toMatchObject({ ok: false })
    expect(priceUsage(rates, { ...usage, cache_audio_read_tokens: 20 }, day)).toMatchObject({ ok: true })
  })

  test('a model whose entry in the price list is empty', () => {
    expect(calcPrice({ input_tokens: 1000 }, 'moderation', { providerId: 'openai' })?.total_price).toBe(0)
    expect(book.ratesOf('openai/moderation')).toBeUndefined()
    expect(book.knows('openai/moderation')).toBe(true)
  })

  test('models and price lists that do not exist', () => {
    for (const id of ['openai/never-was', 'nobody/gpt-5', 'gpt-5', 'openai/', '/gpt-5', '', 'open/gpt-5']) {
      expect([book.ratesOf(id), book.knows(id)]).toEqual([undefined, false])
    }
  })

  test('a chat on a model that prices no text', () => {
    const rates = book.ratesOf('groq/whisper-large-v3')!
    expect(rates.pricesText).toBe(false)
    expect(() => upperBound(rates, { input_tokens: 1 }, day)).toThrow(RangeError)
  })
})

describe('the catalogue over the list', () => {
  test('a markup multiplies before the one rounding', () => {
    const dearer = listPrices({ numerator: 5n, denominator: 4n }).ratesOf('openai/gpt-5-nano')!
    expect(priceUsage(dearer, { input_tokens: 3, output_tokens: 1 }, day)).toMatchObject({
      ok: true,
      total: Math.ceil((15 + 40) * 1.25),
    })
    expect(stepFor(dearer.variants[0]!.rates.find(({ key }) => key === 'cache_read_tokens')!.steps, 0).text).toBe(
      '0.625',
    )
  })

  test('a markup whose decimals never end is exact too', () => {
    const third = listPrices({ numerator: 4n, denominator: 3n }).ratesOf('openai/gpt-4.1')!
    const answer = priceUsage(third, { input_tokens: 3, output_tokens: 1 }, day)
    expect(answer).toMatchObject({
      ok: true,
      total: Math.ceil(((3 * 200 + 800) * 4) / 3),
      lines: [{ rate: '' }, { rate: '' }],
    })
  })

  test('an own price is what is charged, without markup, under any case of the name', () => {
    const own = compilePrices({
      markup: { numerator: 3n, denominator: 1n },
      prices: [{ model: 'openai/our-model', creditsPerMillion: { input_tokens: '250', output_tokens: '1000.5' } }],
      providers: [],
    })
    expect(priceUsage(own.ratesOf('openai/Our-Model')!, { input_tokens: 2, output_tokens: 1 }, day)).toMatchObject({
      ok: true,
      total: 1501,
    })
  })

  test('a zero-rated provider counts tokens and charges nothing', () => {
    const local = compilePrices({
      markup: { numerator: 1n, denominator: 1n },
      prices: [],
      providers: [
        {
          id: 'ollama',
          kind: 'ollama',
          baseUrl: 'http://127.0.0.1',
          baseUrlEnv: '',
          keyEnv: '',
          pricesFrom: 'ollama',
          onHangUp: 'nothing',
        },
      ],
    })
    const answer = priceUsage(local.ratesOf('ollama/anything:7b')!, { input_tokens: 2, output_tokens: 1 }, day)
    expect(answer).toMatchObject({
      ok: true,
      total: 0,
      lines: [
        { kind: 'input', quantity: 2, amount: 0 },
        { kind: 'output', quantity: 1, amount: 0 },
      ],
    })
  })

  test('the version changes with the markup and the overrides, and with nothing else', () => {
    const at = (numerator: bigint, prices: Parameters<typeof compilePrices>[0]['prices']) =>
      compilePrices({ markup: { numerator, denominator: 2n }, prices, providers: [] }).version
    const one = { model: 'openai/a', creditsPerMillion: { input_tokens: '1', output_tokens: '2' } }
    const other = { model: 'openai/b', creditsPerMillion: { input_tokens: '1', output_tokens: '2' } }
    expect(at(2n, [])).toBe(listPrices().version)
    expect(at(2n, [one, other])).toBe(
      at(2n, [other, { ...one, creditsPerMillion: { output_tokens: '2', input_tokens: '1' } }]),
    )
    expect(new Set([at(2n, []), at(3n, []), at(2n, [one]), at(2n, [other])]).size).toBe(4)
    expect(at(2n, [])).toMatch(/^[\w.-]{1,40}$/)
  })
})

describe('what a call may cost', () => {
  const ids = [
    'openai/gpt-6-sol',
    'openai/gpt-5-nano',
    'anthropic/claude-sonnet-4-5',
    'groq/openai/gpt-oss-20b',
    'perplexity/sonar',
    'perplexity/sonar-deep-research',
    'google/gemini-2.5-pro',
  ]

  test('as many output tokens as are affordable fit, and one more does not', () => {
    const random = seeded(7)
    for (let round = 0; round < 5_000; round += 1) {
      const rates = book.ratesOf(ids[round % ids.length]!)!
      const input_tokens = Math.floor(random() * (random() < 0.5 ? 2_000 : 400_000))
      const amount = toMicro(Math.floor(random() ** 4 * 1_000_000_000))
      const output_tokens = affordableOutput(rates, input_tokens, amount, day)
      const fits = upperBound(rates, { input_tokens, output_tokens }, day) <= amount
      expect(fits || output_tokens === 0).toBe(true)
      expect(upperBound(rates, { input_tokens, output_tokens: output_tokens + 1 }, day)).toBeGreaterThan(amount)
    }
  })

  test('no text call costs more than its bound', () => {
    const random = seeded(8)
    for (let round = 0; round < 5_000; round += 1) {
      const rates = book.ratesOf(ids[round % ids.length]!)!
      const input_tokens = Math.floor(random() * 400_000)
      const output_tokens = Math.floor(random() * 10_000)
      const cache_read_tokens = Math.floor(random() * input_tokens)
      const parts = {
        cache_read_tokens,
        cache_write_tokens: Math.floor(random() * (input_tokens - cache_read_tokens)),
        output_reasoning_tokens: Math.floor(random() * output_tokens),
      }
      const priced = new Set<string>(rates.variants[0]!.rates.map(({ key }) => key))
      const usage = {
        input_tokens,
        output_tokens,
        ...Object.fromEntries(Object.entries(parts).filter(([key]) => priced.has(key))),
      }
      const answer = priceUsage(rates, usage, day)
      expect(answer.ok && answer.total).toBeLessThanOrEqual(upperBound(rates, usage, day))
    }
  })

  test('free output is affordable without end, and an unaffordable input affords none', () => {
    expect(affordableOutput(book.ratesOf('openai/gpt-4.1')!, 1_000, toMicro(199_999), day)).toBe(0)
    const free = compilePrices({
      markup: { numerator: 1n, denominator: 1n },
      prices: [{ model: 'openai/f', creditsPerMillion: { input_tokens: '1', output_tokens: '0' } }],
      providers: [],
    })
    expect(affordableOutput(free.ratesOf('openai/f')!, 10, toMicro(10), day)).toBe(Number.MAX_SAFE_INTEGER)
  })
})

/** '' when the answer is the library's within one micro-credit, upwards, or refused for a reason. */
function differenceBetween(answer: PriceAnswer, library: number | 'throws'): string {
  if (library === 'throws') return answer.ok ? 'the library throws' : ''
  // The library charges nothing for a quantity without a price.
  if (!answer.ok) return answer.notPriced.endsWith(' has no price') ? '' : `refused: ${answer.notPriced}`
  // It adds doubles; a thousandth of a micro-credit covers their noise at these sizes.
  const over = answer.total - library * 1e8
  if (over < -1e-3 || over >= 1 + 1e-3) return `${answer.total} instead of ${library * 1e8}`
  return sum(answer.lines.map(({ amount }) => amount)) === answer.total ? '' : 'the lines do not sum to the total'
}

/** In dollars. */
function libraryPrice({ provider, name }: PricedModel, usage: Usage, atMs: number): number | 'throws' {
  try {
    return calcPrice(usage, name, { providerId: provider, timestamp: new Date(atMs) })!.total_price
  } catch {
    return 'throws'
  }
}

/** Years around the list's price changes; a quarter of them within a second of a change of hour. */
function anInstant(random: () => number): number {
  const atMs = Date.parse('2025-01-01T00:00:00Z') + Math.floor(random() * 3 * 365 * 86_400_000)
  if (random() < 0.75) return atMs
  const hour = Math.floor(atMs / 1_800_000) * 1_800_000
  return hour + Math.floor(random() * 3) - 1
}

/** Counts that belong together, and one in seven that do not. */
function aUsage({ provider, name, info }: PricedModel, atMs: number, random: () => number): Usage {
  const variant = calcPriceVariant(provider, name, atMs) ?? variantsOf(info)[0]!.prices
  const starts = Object.values(variant).flatMap((price) =>
    typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
  )
  const keys = usageKeys.filter((key) => usageUnits[key].priceKey in variant)
  const own = new Map<UsageKey, number>()
  for (const key of keys) own.set(key, aQuantity(usageUnits[key], random))
  // A reported quantity includes what is priced as its parts.
  const usage: Partial<Record<UsageKey, number>> = {}
  for (const key of keys) {
    usage[key] = keys.reduce((all, part) => all + (contains(usageUnits[key], usageUnits[part]) ? own.get(part)! : 0), 0)
  }
  const start = starts[0]
  if (start !== undefined && random() < 0.5) {
    // Around the step, exactly.
    const missing = start + Math.floor(random() * 3) - 1 - usage.input_tokens!
    if (missing > 0) usage.input_tokens = usage.input_tokens! + missing
  }
  if (usage.output_tokens !== undefined && usage.output_reasoning_tokens === undefined && random() < 0.3) {
    usage.output_reasoning_tokens = Math.floor(random() * usage.output_tokens)
  }
  const fault = random()
  const key = keys[Math.floor(random() * keys.length)]!
  if (fault < 0.04) delete usage[key]
  else if (fault < 0.08) usage[key] = (usage[key] ?? 0) + 1 + Math.floor(random() * 1e6)
  else if (fault < 0.1) usage[key] = random() < 0.5 ? -1 : Number.NaN
  else if (fault < 0.12) usage[key] = 0
  else if (fault < 0.15) usage[usageKeys[Math.floor(random() * usageKeys.length)]!] ??= 1 + Math.floor(random() * 50)
  return usage
}

function calcPriceVariant(provider: string, name: string, atMs: number) {
  return calcPrice({}, name, { providerId: provider, timestamp: new Date(atMs) })?.model_price
}

function aQuantity(unit: UsageUnit, random: () => number): number {
  if (random() < 0.15) return 0
  if (unit.unit === 'second') return Math.round(random() ** 2 * 100_000) / (random() < 0.5 ? 100 : 1)
  if (unit.unit !== 'token') return Math.floor(random() * 20)
  return Math.floor(random() ** 3 * (random() < 0.1 ? 400_000 : 5_000))
}

/** Whether the library takes these units without another for an overlap. */
function wholesPriced(wholes: readonly UsageKey[]): boolean {
  return (
    wholes.every((one) =>
      wholes.every(
        (other) => contains(usageUnits[one], usageUnits[other]) || contains(usageUnits[other], usageUnits[one]),
      ),
    ) || wholes.some((key) => wholes.every((whole) => contains(usageUnits[whole], usageUnits[key])))
  )
}
