import { describe, expect, it } from 'vitest'
import { toMicro } from '../../credits/money.ts'
import { compilePrices } from '../../credits/prices.ts'
import { clampOutput } from '../../gateway/clamp.ts'
import { tokenCounter } from '../../gateway/count-tokens.ts'
import { estimateCall } from '../../gateway/estimate.ts'
import { createLearned } from '../../gateway/learn.ts'
import { practiceText } from '../../gateway/providers/practice-text.ts'
import { practiceValue } from '../../gateway/providers/practice-value.ts'
import { parseUsage, priceCall } from '../../gateway/usage.ts'
import { catalogue } from './stand.ts'

const priceBook = compilePrices(catalogue)
const rates = priceBook.ratesOf('mock/plain')!

describe('clamp', () => {
  it.each([
    {
      name: 'comfortable: all of it',
      available: 1_000,
      limitTokens: 4_000,
      choices: 1,
      amount: 4_001_000,
      limit: undefined,
    },
    { name: 'an eighth of what there is', available: 8, limitTokens: 4_000, choices: 1, amount: 1_000_000, limit: 999 },
    { name: 'shared by the choices', available: 8, limitTokens: 4_000, choices: 3, amount: 1_000_000, limit: 333 },
    {
      name: 'a useful answer, though it is more than an eighth',
      available: 1,
      limitTokens: 4_000,
      choices: 1,
      amount: 257_000,
      limit: 256,
    },
    { name: 'a short limit fits', available: 1, limitTokens: 20, choices: 1, amount: 21_000, limit: undefined },
  ])('$name', ({ available, limitTokens, choices, amount, limit }) => {
    const clamp = clampOutput({
      rates,
      atMs: 0,
      inputTokens: 10,
      limitTokens,
      choices,
      available: toMicro(available * 1_000_000),
      fairShare: 8,
    })
    expect(clamp).toMatchObject({ amount, limitTokens: limit })
  })
})

describe('learning', () => {
  it('is on the safe side: few bytes per token before anything is known, then what nine of ten calls exceed', () => {
    const learned = createLearned()
    expect(learned.inputBytesPerToken('m')).toBe(3)
    expect(learned.mostInputBytesPerToken('m')).toBe(Infinity)
    expect(learned.mostOutputBytesPerToken('m')).toBe(8)
    for (let call = 0; call < 100; call++)
      learned.learn('m', { inputBytes: 400 + call, inputTokens: 100, outputBytes: 500, outputTokens: call })
    expect(learned.inputBytesPerToken('m')).toBeCloseTo(4.1 * 0.95, 1)
    expect(learned.mostInputBytesPerToken('m')).toBeGreaterThan(4.9)
    expect(learned.outputTokens('m')).toMatchObject({ median: expect.closeTo(50, -1), p90: expect.closeTo(90, -1) })
  })

  it('forgets models beyond its bound', () => {
    const learned = createLearned(2)
    for (const model of ['a', 'b', 'c'])
      for (let call = 0; call < 20; call++)
        learned.learn(model, { inputBytes: 900, inputTokens: 100, outputBytes: 0, outputTokens: 5 })
    expect(learned.outputTokens('a')).toBeUndefined()
    expect(learned.outputTokens('c')).toMatchObject({ median: 5 })
  })
})

describe('estimate', () => {
  const learned = createLearned()
  const deps = {
    catalogue,
    priceBook,
    usable: () => true,
    learned,
    clock: { now: () => 0, sleep: () => Promise.resolve(), every: () => () => undefined },
  }

  it('assumes common lengths, and says so, until it has learned some', () => {
    expect(estimateCall(deps, { model: 'mock/plain', inputTokens: 100 })).toMatchObject({
      basis: 'assumed',
      samples: 0,
      median: 210_000,
      p90: 810_000,
    })
    for (let call = 1; call <= 100; call++)
      learned.learn('mock/plain', { inputBytes: 400, inputTokens: 100, outputBytes: 5 * call, outputTokens: call })
    expect(estimateCall(deps, { model: 'mock/plain', inputTokens: 100 })).toMatchObject({
      basis: 'learned',
      samples: 100,
      tier: 'fast',
      median: 61_000,
      p90: 101_000,
    })
    expect(estimateCall(deps, { model: 'mock/plain', inputTokens: 100, maxTokens: 10 })).toMatchObject({
      median: 20_000,
      p90: 20_000,
    })
  })

  it('takes messages or bytes, and refuses unknown models', () => {
    expect(estimateCall(deps, { model: 'fast', messages: [{ role: 'user', content: 'x'.repeat(400) }] })).toMatchObject(
      { inputTokens: expect.any(Number) },
    )
    expect(estimateCall(deps, { model: 'fast', inputBytes: 380 })).toMatchObject({ inputTokens: 100 })
    expect(estimateCall(deps, { model: 'nope' })).toEqual({ unknown: 'nope' })
  })
})

describe('usage as providers report it', () => {
  it.each([
    {
      name: 'plain',
      given: { prompt_tokens: 10, completion_tokens: 5 },
      quantities: { inputTokens: 10, outputTokens: 5, cachedTokens: 0, reasoningTokens: 0 },
    },
    {
      name: 'cached input is part of the prompt',
      given: { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 4 } },
      quantities: { inputTokens: 10, cachedTokens: 4 },
    },
    {
      name: 'another name for it',
      given: { prompt_tokens: 10, completion_tokens: 5, prompt_cache_hit_tokens: 4 },
      quantities: { cachedTokens: 4 },
    },
    {
      name: 'reasoning is part of the completion',
      given: {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      quantities: { outputTokens: 5, reasoningTokens: 3 },
    },
    {
      name: 'reasoning beside the completion',
      given: {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 18,
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      quantities: { outputTokens: 8, reasoningTokens: 3 },
    },
    {
      name: 'details that are none',
      given: { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: 'x' },
      quantities: { inputTokens: 10 },
    },
  ])('$name', ({ given, quantities }) => {
    expect(parseUsage(given)?.quantities).toMatchObject(quantities)
  })

  it.each([
    null,
    {},
    'x',
    { prompt_tokens: -1, completion_tokens: 1 },
    { prompt_tokens: '1', completion_tokens: 1 },
    { prompt_tokens: 10.5, completion_tokens: 1 },
    { prompt_tokens: 1e16, completion_tokens: 1 },
  ])('%j is none', (given) => {
    expect(parseUsage(given)).toBeUndefined()
  })

  it('parts that are more than their whole are the whole', () => {
    const given = {
      prompt_tokens: 10,
      completion_tokens: 5,
      prompt_tokens_details: { cached_tokens: 99, audio_tokens: 1.5 },
      completion_tokens_details: { reasoning_tokens: 99 },
    }
    expect(parseUsage(given)?.quantities).toMatchObject({ cachedTokens: 10, reasoningTokens: 5 })
  })

  it('audio that is cached in part is priced as audio, not by its totals as text', () => {
    const audio = priceBook.ratesOf('openai/gpt-realtime')
    const usage = parseUsage({
      prompt_tokens: 100,
      completion_tokens: 5,
      prompt_tokens_details: { cached_tokens: 60, audio_tokens: 80 },
    })!
    expect(usage.usage).toMatchObject({ cache_audio_read_tokens: 40 })
    expect(priceCall(audio!, usage, 1.76e12).lines.map(({ kind }) => kind)).toContain('audio_input')
  })
})

describe('counting tokens', () => {
  it('of text without spaces does not stop the event loop', async () => {
    const counter = await tokenCounter()
    const startedAtMs = performance.now()
    const count = counter.count('模型'.repeat(64 * 1024))
    expect(performance.now() - startedAtMs).toBeLessThan(5_000)
    expect(count).toBeGreaterThan(32 * 1024)
  })

  it('counts what the pieces are, and loses none of the text', async () => {
    const counter = await tokenCounter()
    const text = `${'One sentence with some words, then another. '.repeat(40)}${'😀'.repeat(300)}`
    expect(counter.pieces(text)).toHaveLength(counter.count(text))
    expect(counter.pieces(text).join('')).toBe(text)
  })
})

describe('a practice value', () => {
  it.each([
    ['minItems', { type: 'array', minItems: 1e9, items: { type: 'array', minItems: 1e9 } }],
    ['minLength', { type: 'string', minLength: 1e9 }],
    [
      'references to itself',
      { type: 'object', properties: Object.fromEntries(Array.from({ length: 200 }, (_, at) => [at, { $ref: '#' }])) },
    ],
  ])('stays small whatever a schema asks for by %s', (_, schema) => {
    expect(JSON.stringify(practiceValue(schema, 'ab12'.repeat(16))).length).toBeLessThan(100_000)
  })
})

describe('the practice provider writes', () => {
  it.each([
    ['in five words', 5],
    ['Write 500 words about rain', 500],
    ['1,200 words please', 1_200],
    ['two sentences', 28],
    ['write 9999999 words', 50_000],
  ])('%s', (prompt, words) => {
    expect(practiceText(prompt, 'ab12'.repeat(16)).split(' ')).toHaveLength(words)
  })
})
