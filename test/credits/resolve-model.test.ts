import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import type { Catalogue } from '../../credits/catalogue.ts'
import { parseCatalogue } from '../../credits/parse-catalogue.ts'
import { upperBound } from '../../credits/price-usage.ts'
import { compilePrices } from '../../credits/prices.ts'
import { listModels, resolveModel } from '../../credits/resolve-model.ts'
import type { EmployeeCard } from '../../credits/terms.ts'

const shipped = readFileSync(new URL('../../catalogue.yaml', import.meta.url), 'utf8')
const catalogue = parsed(shipped)
const prices = compilePrices(catalogue)
const only = (...providers: readonly string[]) => ({ usable: (id: string) => providers.includes(id) })
const ask = (name: string, ...providers: readonly string[]) => resolveModel(catalogue, prices, name, only(...providers))
const employee: EmployeeCard = {
  id: 'e1',
  name: 'Researcher',
  organization: '',
  tier: 'advanced',
  model: '',
  archived: false,
}

describe('a name that stands for a model', () => {
  test.each([
    ['a tier, with its first provider', 'fast', ['openai', 'practice'], 'openai/gpt-5.6-luna'],
    ['a tier whose first provider has no key', 'fast', ['groq', 'practice'], 'groq/openai/gpt-oss-120b'],
    ['a tier on a fresh clone', 'advanced', ['practice', 'ollama'], 'practice/gpt-6-sol'],
    ['provider/model', 'openai/gpt-4.1', ['openai'], 'openai/gpt-4.1'],
    ['provider/model of a dated release', 'openai/gpt-4.1-2025-04-14', ['openai'], 'openai/gpt-4.1-2025-04-14'],
    ['a model with a slash in its name', 'groq/openai/gpt-oss-20b', ['groq'], 'groq/openai/gpt-oss-20b'],
    ['a bare name that a tier lists', 'gpt-5.4-mini', ['openai', 'practice'], 'openai/gpt-5.4-mini'],
    ['a bare name that a tier lists, first provider unusable', 'gpt-5.4-mini', ['practice'], 'practice/gpt-5.4-mini'],
    [
      'a bare name from a price list',
      'claude-opus-4-8',
      ['openai', 'anthropic', 'practice'],
      'anthropic/claude-opus-4-8',
    ],
    ['a bare name that only practice can stand for', 'gpt-4o-mini', ['practice'], 'practice/gpt-4o-mini'],
    ['any local model', 'ollama/qwen3:8b', ['ollama'], 'ollama/qwen3:8b'],
  ])('%s', (_what, name, providers, id) => {
    expect(ask(name, ...providers)).toMatchObject({
      id,
      provider: id.slice(0, id.indexOf('/')),
      model: id.slice(id.indexOf('/') + 1),
    })
  })

  test('practice is charged as the model it stands for, hides nothing and keeps its own name', () => {
    expect(ask('practice/gpt-6-sol', 'practice')).toEqual({
      provider: 'practice',
      model: 'gpt-6-sol',
      id: 'practice/gpt-6-sol',
      tier: 'advanced',
      pricedAs: 'openai/gpt-6-sol',
      free: false,
      hiddenReasoning: false,
      maxOutputTokens: 128_000,
      contextWindow: 400_000,
    })
    expect(ask('advanced', 'openai')).toMatchObject({ hiddenReasoning: true, pricedAs: 'openai/gpt-6-sol' })
  })

  test('a local model is free and has rates of zero', () => {
    expect(ask('ollama/qwen3:8b', 'ollama')).toMatchObject({ free: true, tier: '', pricedAs: 'ollama/qwen3:8b' })
    expect(upperBound(prices.ratesOf('ollama/qwen3:8b')!, { input_tokens: 1e6, output_tokens: 1e6 }, 0)).toBe(0)
  })

  test('`employee` is the tier of the employee, or its own model', () => {
    const context = only('openai', 'practice')
    const asked = (card?: EmployeeCard) => resolveModel(catalogue, prices, 'employee', { ...context, employee: card })
    expect(asked(employee)).toMatchObject({ id: 'openai/gpt-6-sol', tier: 'advanced' })
    expect(asked({ ...employee, model: 'openai/gpt-4.1' })).toMatchObject({ id: 'openai/gpt-4.1', tier: '' })
    expect(asked({ ...employee, tier: 'employee' })).toEqual({ unknown: 'employee' })
    expect(asked()).toEqual({ unknown: 'employee' })
  })
})

describe('a name that stands for none', () => {
  test.each([
    ['no such model', 'openai/never-was', ['openai']],
    ['no such bare model', 'never-was', ['openai', 'anthropic', 'practice']],
    ['no such provider', 'nobody/gpt-5', ['openai']],
    ['a provider without its key', 'openai/gpt-5', ['practice']],
    ['a bare local model: its provider must be named', 'qwen3:8b', ['ollama']],
    ['nothing', '', ['openai']],
    ['a provider alone', 'openai/', ['openai']],
    ['a tier in capitals', 'FAST', ['openai']],
    ['a tier without a usable provider', 'fast', []],
  ])('unknown: %s', (_what, name, providers) => {
    expect(ask(name, ...providers)).toEqual({ unknown: name })
  })

  test.each([
    ['an entry without prices', 'openai/moderation'],
    ['a bare name of one', 'moderation'],
    ['a model that prices audio only', 'groq/whisper-large-v3'],
    ['a model that prices input only', 'openai/text-embedding-3-small'],
  ])('not priced: %s', (_what, name) => {
    expect(ask(name, 'openai', 'groq')).toEqual({ notPriced: name })
  })

  test('a model that the catalogue names and nobody prices is not priced', () => {
    const known = parsed(
      shipped.replace(
        "'*': ",
        "openai/secret: { contextWindow: 10, maxOutputTokens: 5, hiddenReasoning: false }\n  '*': ",
      ),
    )
    expect(resolveModel(known, compilePrices(known), 'openai/secret', only('openai'))).toEqual({
      notPriced: 'openai/secret',
    })
  })
})

test('an own price makes an unlisted model answer, and practice stand for it', () => {
  const own = parsed(shipped.replace('prices: {}', 'prices:\n  openai/ours: { input_tokens: 1, output_tokens: 2 }'))
  const book = compilePrices(own)
  expect(resolveModel(own, book, 'ours', only('openai'))).toMatchObject({ id: 'openai/ours', pricedAs: 'openai/ours' })
  expect(resolveModel(own, book, 'practice/ours', only('practice'))).toMatchObject({
    id: 'practice/ours',
    pricedAs: 'openai/ours',
  })
})

test('the list has the tiers, `employee` and what usable providers serve, each once', () => {
  const ids = listModels(catalogue, only('practice', 'openai').usable).map(({ id }) => id)
  expect(ids.slice(0, 4)).toEqual(['fast', 'standard', 'advanced', 'employee'])
  expect(ids).toContain('practice/gpt-6-sol')
  expect(ids.some((id) => id.startsWith('groq/') || id.endsWith('*'))).toBe(false)
  expect(new Set(ids).size).toBe(ids.length)
  const everything = listModels(catalogue, () => true).filter(({ ownedBy }) => ownedBy !== 'tollgate')
  for (const { id } of everything)
    expect(resolveModel(catalogue, prices, id, { usable: () => true })).toMatchObject({ id })
})

test('Fast is about ten times cheaper than Advanced for three tokens in and one out', () => {
  const atMs = Date.parse('2026-11-22T00:00:00Z')
  const cost = (tier: string, provider: string) => {
    const model = ask(tier, provider)
    if (!('pricedAs' in model)) throw new Error(`${tier} has no model at ${provider}`)
    return upperBound(prices.ratesOf(model.pricedAs)!, { input_tokens: 3_000_000, output_tokens: 1_000_000 }, atMs)
  }
  for (const provider of ['openai', 'practice']) {
    const ratio = cost('advanced', provider) / cost('fast', provider)
    expect(ratio).toBeGreaterThanOrEqual(7)
    expect(ratio).toBeLessThanOrEqual(14)
    expect(cost('standard', provider)).toBeGreaterThan(cost('fast', provider))
    expect(cost('standard', provider)).toBeLessThan(cost('advanced', provider))
  }
})

function parsed(text: string): Catalogue {
  const answer = parseCatalogue(text)
  if (!answer.ok) throw new Error(JSON.stringify(answer.errors))
  return answer.catalogue
}
