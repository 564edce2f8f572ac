import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import { formatCatalogueErrors, parseCatalogue } from '../../credits/parse-catalogue.ts'

const shipped = readFileSync(new URL('../../catalogue.yaml', import.meta.url), 'utf8')

describe('the catalogue that comes with Tollgate', () => {
  const answer = parseCatalogue(shipped)
  if (!answer.ok) throw new Error(formatCatalogueErrors(answer.errors))
  const { catalogue } = answer

  test('has the prices of the product', () => {
    const price = (name: string) => catalogue.activities.find((activity) => activity.name === name)
    const costs = {
      'compute.runtime': 1_000_000,
      'task.completed': 250_000,
      voice: 3_000_000,
      meeting: 1_500_000,
      'image.standard': 4_000_000,
      'image.hd': 8_000_000,
      'connected_app.call': 50_000,
    }
    for (const [name, micro] of Object.entries(costs)) expect(price(name)).toMatchObject({ name, price: micro })
    for (const name of [
      'web.search',
      'file.manage',
      'task.create',
      'journal.write',
      'sprint.manage',
      'workflow.start',
      'database.query',
      'cache.lookup',
    ]) {
      expect(price(name)).toEqual({ name, free: true })
    }
    expect(price('callModel')).toEqual({ name: 'callModel', chargedBy: 'gateway' })
    expect(catalogue.bonuses.welcome).toEqual({ amount: 1_000_000_000, keeps: true })
    expect(catalogue.bonuses.referral.rewardedSignUps).toBe(10)
    expect(catalogue.alerts).toEqual([25, 15, 0])
    expect(catalogue.policies).toEqual({
      depletedBelow: 10_000,
      exposureCap: null,
      fairShare: 8,
      largestCorrection: 100_000_000,
      runtime: 'active',
      upgrade: 'full',
      alertMail: true,
      unknownActivity: 'free',
    })
  })

  test('has plans at about a cent a credit, Free by default, in their order', () => {
    expect(catalogue.plans.map(({ id }) => id)).toEqual(['free', 'starter', 'pro', 'business'])
    expect(catalogue.defaultPlan).toBe('free')
    expect(catalogue.plans[0]!.allowance).toBe(0)
    for (const { allowance, priceCents } of catalogue.plans) expect(allowance / 1e6).toBe(priceCents)
    for (const { amount, priceCents } of catalogue.packs) expect(amount / 1e6).toBe(priceCents)
  })

  test('works without a key: practice stands last in every tier', () => {
    for (const { models } of catalogue.tiers) expect(models.at(-1)).toMatch(/^practice\//)
    expect(catalogue.providers.find(({ id }) => id === 'practice')).toMatchObject({
      kind: 'practice',
      pricesFrom: 'openai',
      keyEnv: '',
    })
    expect(catalogue.providers.find(({ id }) => id === 'ollama')).toMatchObject({
      kind: 'ollama',
      baseUrlEnv: 'OLLAMA_BASE_URL',
      keyEnv: '',
    })
  })

  test('makes images without a key, at the price of their quality; without the section it makes none', () => {
    expect(catalogue.images.models.at(-1)).toMatch(/^practice\//)
    const activityOf = Object.fromEntries(
      catalogue.images.qualities.map(({ quality, activity }) => [quality, activity]),
    )
    expect(activityOf).toEqual({ hd: 'image.hd', high: 'image.hd', '*': 'image.standard' })
    const without = parseCatalogue(shipped.replace(/^images:\n(?: .*\n)+/m, ''))
    expect(without.ok && without.catalogue.images).toEqual({ models: [], qualities: [] })
  })

  test('has voice calls and meetings; without the section there are none', () => {
    expect(catalogue.sessions).toEqual({
      kinds: [
        { kind: 'voice', activity: 'voice', longestMs: 14_400_000 },
        { kind: 'meeting', activity: 'meeting', longestMs: 28_800_000 },
      ],
      rounding: 'second',
      silentAfterMs: 30_000,
      warnMs: 120_000,
    })
    const without = parseCatalogue(shipped.replace(/^sessions:\n(?: .*\n)+/m, ''))
    expect(without.ok && without.catalogue.sessions.kinds).toEqual([])
  })

  test('amounts are read from their text, never through a float', () => {
    const odd = parseCatalogue(
      shipped.replace('allowance: 2500,', 'allowance: 9007199254.740991,').replace('price: 0.05,', 'price: 0.000001,'),
    )
    expect(odd.ok && odd.catalogue.plans[2]!.allowance).toBe(Number.MAX_SAFE_INTEGER)
    expect(odd.ok && odd.catalogue.activities.find(({ name }) => name === 'connected_app.call')).toMatchObject({
      price: 1,
    })
    const markup = parseCatalogue(shipped.replace('markup: 1', 'markup: 1.1'))
    expect(markup.ok && markup.catalogue.markup).toEqual({ numerator: 11n, denominator: 10n })
  })

  test('quotes, order and line ends of Windows make no difference', () => {
    const text = shipped.replace('allowance: 2500,', "allowance: '2500',").replaceAll('\n', '\r\n')
    expect(parseCatalogue(text)).toEqual({ ok: true, catalogue })
  })
})

/** [what is wrong, the text that is replaced, its replacement, path, part of the message, the text that the error points at] */
const broken: readonly (readonly [string, string, string, string, string, string])[] = [
  // amounts and numbers
  [
    'seven decimals',
    'allowance: 1000,',
    'allowance: 1000.1234567,',
    'plans.starter.allowance',
    'at most six decimals',
    '1000.1234567',
  ],
  ['a negative amount', 'allowance: 1000,', 'allowance: -5,', 'plans.starter.allowance', 'without minus sign', '-5'],
  [
    'a thousands separator',
    'allowance: 1000,',
    "allowance: '1,000',",
    'plans.starter.allowance',
    'amount of credits',
    "'1,000'",
  ],
  ['scientific notation', 'allowance: 1000,', 'allowance: 1e3,', 'plans.starter.allowance', 'amount of credits', '1e3'],
  [
    'more than fits',
    'allowance: 1000,',
    'allowance: 9007199255,',
    'plans.starter.allowance',
    'at most 9007199254',
    '9007199255',
  ],
  [
    'words for an amount',
    'allowance: 1000,',
    'allowance: many,',
    'plans.starter.allowance',
    'amount of credits',
    'many',
  ],
  [
    'a list for an amount',
    'allowance: 1000,',
    'allowance: [1000],',
    'plans.starter.allowance',
    'must be an amount',
    '[1000]',
  ],
  ['nothing for an amount', 'allowance: 1000,', 'allowance: ,', 'plans.starter.allowance', 'must be an amount', ','],
  ['no number at all', 'allowance: 1000,', 'allowance: .nan,', 'plans.starter.allowance', 'amount of credits', '.nan'],
  ['half a cent', 'price: 10 }', 'price: 10.005 }', 'plans.starter.price', 'at most two decimals', '10.005'],
  ['an empty pack', 'amount: 500, price: 5', 'amount: 0, price: 5', 'packs.small.amount', 'more than 0', '0'],
  ['a markup of nothing', 'markup: 1\n', 'markup: 0\n', 'markup', 'more than 0', '0'],
  ['a markup in percent', 'markup: 1\n', 'markup: 20%\n', 'markup', 'a factor such as 1.2', '20%'],
  ['a fraction of a share', 'fairShare: 8', 'fairShare: 0.5', 'policies.fairShare', 'whole number', '0.5'],
  ['a share of nothing', 'fairShare: 8', 'fairShare: 0', 'policies.fairShare', 'whole number from 1', '0'],
  [
    'no correction at all',
    'largestCorrection: 100',
    'largestCorrection: 0',
    'policies.largestCorrection',
    'more than 0',
    '0',
  ],
  ['a cap of nothing', 'exposureCap: none', 'exposureCap: 0', 'policies.exposureCap', 'more than 0', '0'],
  ['a cap in words', 'exposureCap: none', 'exposureCap: lots', 'policies.exposureCap', "'none' or an amount", 'lots'],
  // sessions
  [
    'a call at a price per image',
    '{ activity: voice,',
    '{ activity: image.hd,',
    'sessions.voice.activity',
    'per minute: compute.runtime, voice, meeting',
    'image.hd',
  ],
  [
    'a call at no price',
    '{ activity: voice,',
    '{ activity: web.search,',
    'sessions.voice.activity',
    'with a price per minute',
    'web.search',
  ],
  [
    'a rounding that there is not',
    'rounding: second',
    'rounding: hour',
    'sessions.rounding',
    'exact, second, minute',
    'hour',
  ],
  [
    'a silence that no network survives',
    'silentAfterSeconds: 30',
    'silentAfterSeconds: 1',
    'sessions.silentAfterSeconds',
    'from 5 to 300',
    '1',
  ],
  // shape
  [
    'a misspelt entry',
    'allowance: 1000,',
    'alowance: 1000,',
    'plans.starter.alowance',
    'it knows: name, allowance, price',
    'alowance',
  ],
  ['a missing entry', 'allowance: 1000, ', '', 'plans.starter.allowance', 'is missing', 'starter'],
  [
    'an unknown section',
    'version: 2026-11-22',
    'version: 2026-11-22\ncoupons: {}',
    'coupons',
    'not an entry that Tollgate knows',
    'coupons',
  ],
  ['a missing section', 'markup: 1\n', '\n', 'markup', 'is missing', 'version'],
  [
    'a tier that does not exist',
    '  fast:\n',
    '  quick:\n',
    'tiers.quick',
    'it knows: fast, standard, advanced',
    'quick',
  ],
  ['a map instead of a value', 'version: 2026-11-22', 'version: { a: 1 }', 'version', 'must be a name', 'version'],
  ['a value instead of a map', 'prices: {}', 'prices: none', 'prices', 'must be a map', 'none'],
  ['an id in capitals', '  starter: {', '  Starter: {', 'plans.Starter', 'lower-case', 'Starter'],
  ['an id that is a number', '  starter: {', '  500: {', 'plans.500', 'a letter first', '500'],
  [
    'yes for true',
    'amount: 1000, keeps: true',
    'amount: 1000, keeps: yes',
    'bonuses.welcome.keeps',
    'true or false',
    'yes',
  ],
  [
    'periods for a bonus that resets',
    'amount: 1000, keeps: true',
    'amount: 1000, keeps: false, periods: 3',
    'bonuses.welcome.periods',
    'only with keeps: true',
    '3 }',
  ],
  [
    'a bonus that lasts longer than periods are listed',
    'amount: 1000, keeps: true',
    'amount: 1000, keeps: true, periods: 37',
    'bonuses.welcome.periods',
    'from 1 to 36',
    '37 }',
  ],
  [
    'a kind of provider that does not exist',
    'kind: ollama',
    'kind: llama',
    'providers.ollama.kind',
    'openai, ollama, practice',
    'llama\n',
  ],
  [
    'an address without http',
    'baseUrl: https://api.groq.com/openai/v1',
    'baseUrl: api.groq.com',
    'providers.groq.baseUrl',
    'http://',
    'api.groq.com',
  ],
  [
    'a key instead of its variable',
    'keyEnv: GROQ_API_KEY',
    'keyEnv: gsk-1234',
    'providers.groq.keyEnv',
    'environment variable',
    'gsk-1234',
  ],
  ['a list of one that is no list', 'alerts: [25, 15, 0]', 'alerts: 25', 'alerts', 'must be a list', '25'],
  [
    'an unknown category',
    'category: tasks_completed',
    'category: tasks',
    'activities.task.completed.category',
    'one of ai_usage',
    'tasks,',
  ],
  [
    'an unknown policy',
    'unknownActivity: free',
    'unknownActivity: ask',
    'policies.unknownActivity',
    'free, refuse, or an activity with a price: compute.runtime',
    'ask',
  ],
  // references
  [
    'a default plan that does not exist',
    'defaultPlan: free',
    'defaultPlan: gratis',
    'defaultPlan',
    'not one of the plans: free, starter',
    'gratis',
  ],
  ['alerts out of order', 'alerts: [25, 15, 0]', 'alerts: [15, 25, 0]', 'alerts[1]', 'less than the one before', '25'],
  ['an alert twice', 'alerts: [25, 15, 0]', 'alerts: [25, 25, 0]', 'alerts[1]', 'less than the one before', '25, 0'],
  ['an alert above everything', 'alerts: [25, 15, 0]', 'alerts: [250, 15, 0]', 'alerts[0]', 'from 0 to 100', '250'],
  [
    'a tier of a provider that does not exist',
    'models: [openai/gpt-5.6-luna,',
    'models: [opnai/gpt-5.6-luna,',
    'tiers.fast.models[0]',
    'there are: openai, anthropic',
    'opnai',
  ],
  [
    'a tier of a model without a price',
    'models: [openai/gpt-5.6-luna,',
    'models: [openai/gpt-7,',
    'tiers.fast.models[0]',
    "price list of 'openai'",
    'openai/gpt-7',
  ],
  [
    'practice for a model without a price',
    'practice/gpt-5.6-luna]',
    'practice/gpt-7]',
    'tiers.fast.models[2]',
    "price list of 'openai'",
    'practice/gpt-7',
  ],
  [
    'a model twice in a tier',
    'practice/gpt-5.6-luna]',
    'openai/gpt-5.6-luna]',
    'tiers.fast.models[2]',
    'already',
    'openai/gpt-5.6-luna]',
  ],
  [
    'a model without its provider',
    'practice/gpt-5.6-luna]',
    'gpt-5.6-luna]',
    'tiers.fast.models[2]',
    'provider/model',
    'gpt-5.6-luna]',
  ],
  [
    'an empty tier',
    'models: [openai/gpt-5.6-luna, groq/openai/gpt-oss-120b, practice/gpt-5.6-luna]',
    'models: []',
    'tiers.fast.models',
    'one model at least',
    '[]',
  ],
  [
    'facts of a provider that does not exist',
    '  ollama/*: ',
    '  olama/*: ',
    'models.olama/*',
    'does not exist',
    'olama',
  ],
  ['a star in the middle', '  openai/o*: ', '  openai/*o: ', 'models.openai/*o', "'*' at the end", 'openai/*o'],
  ['no facts for the others', "'*': {", 'openai/x: {', 'models', "last entry '*'", 'models:'],
  [
    'more output than context',
    'contextWindow: 128000, maxOutputTokens: 16384, hiddenReasoning: false }\n  anthropic',
    'contextWindow: 128000, maxOutputTokens: 999999, hiddenReasoning: false }\n  anthropic',
    'models.openai/gpt-4o*.maxOutputTokens',
    'more than contextWindow',
    '999999',
  ],
  ['practice for nobody', '    pricesFrom: openai\n', '', 'providers.practice', 'needs pricesFrom', 'practice:'],
  [
    'a provider without an address',
    '    baseUrl: https://api.groq.com/openai/v1\n',
    '',
    'providers.groq',
    'needs a baseUrl',
    'groq:',
  ],
  [
    'an own price of nothing known',
    'prices: {}',
    'prices: { openai/a: { input: 1 } }',
    'prices.openai/a.input',
    'such as input_tokens',
    'input: 1',
  ],
  [
    'an own price of a part without its whole',
    'prices: {}',
    'prices: { openai/a: { output_tokens: 1, cache_read_tokens: 1 } }',
    'prices.openai/a',
    'input_tokens needs one too',
    'openai/a',
  ],
  [
    'an own price without an overlap',
    'prices: {}',
    'prices: { openai/a: { input_tokens: 1, input_audio_tokens: 1, cache_read_tokens: 1 } }',
    'prices.openai/a',
    'cache_audio_read_tokens',
    'openai/a',
  ],
  [
    'an own price of a provider that does not exist',
    'prices: {}',
    'prices: { nobody/a: { input_tokens: 1, output_tokens: 1 } }',
    'prices.nobody/a',
    'does not exist',
    'nobody/a',
  ],
  [
    'an own price without any',
    'prices: {}',
    'prices: { openai/a: {} }',
    'prices.openai/a',
    'needs input_tokens',
    'openai/a',
  ],
  [
    'an activity that is free and costs',
    'web.search: { free: true }',
    'web.search: { free: true, price: 1 }',
    'activities.web.search',
    'free and price at once',
    'web.search',
  ],
  [
    'an activity that is not free and costs nothing',
    'web.search: { free: true }',
    'web.search: { free: false }',
    'activities.web.search.free',
    'must be true',
    'false',
  ],
  [
    'an activity without a rule',
    'web.search: { free: true }',
    'web.search: {}',
    'activities.web.search',
    'needs free: true',
    'web.search',
  ],
  [
    'a price without a unit',
    'price: 0.25, per: task',
    'price: 0.25',
    'activities.task.completed',
    'needs per',
    'task.completed',
  ],
  ['a line break in a usage row', 'item: voice }', "item: 'a|b' }", 'activities.voice.item', "'|'", "'a|b'"],
  [
    'images of a provider that does not exist',
    'models: [openai/gpt-image-2,',
    'models: [opnai/gpt-image-2,',
    'images.models[0]',
    'there are: openai, anthropic',
    'opnai',
  ],
  [
    'an image model twice',
    'practice/gpt-image-2]',
    'openai/gpt-image-2]',
    'images.models[1]',
    'already',
    'openai/gpt-image-2]',
  ],
  [
    'an image model without its provider',
    'models: [openai/gpt-image-2,',
    'models: [gpt-image-2,',
    'images.models[0]',
    'provider/model',
    'gpt-image-2,',
  ],
  [
    'an image that is no activity',
    'high: image.hd',
    'high: image.uhd',
    'images.qualities.high',
    'there are: compute.runtime',
    'image.uhd',
  ],
  [
    'an image that is charged as something free',
    'high: image.hd',
    'high: web.search',
    'images.qualities.high',
    'not an activity with a price',
    'web.search',
  ],
  [
    'no price for other qualities',
    "high: image.hd, '*': image.standard }",
    'high: image.hd }',
    'images.qualities',
    "needs an entry '*'",
    'qualities',
  ],
  ['a quality in capitals', '{ hd: image.hd', '{ HD: image.hd', 'images.qualities.HD', 'such as hd', 'HD'],
  [
    'images without their models',
    '  models: [openai/gpt-image-2, practice/gpt-image-2]\n',
    '',
    'images.models',
    'is missing',
    'images',
  ],
  // YAML
  ['an entry twice', '  starter: {', '  free: {', 'plans.free', 'twice', 'free: { name: Starter'],
  ['a tab', '  fast:\n', '\tfast:\n', '', 'use spaces', '\tfast'],
  ['an open bracket', 'alerts: [25, 15, 0]', 'alerts: [25, 15, 0', 'providers', 'not YAML', ''],
  ['an alias', 'prices: {}', 'prices: *free', 'prices', 'write the entry out', '*free'],
  ['an open quote', 'version: 2026-11-22', "version: '2026", 'version', 'not YAML', ''],
]

describe('a broken catalogue says where, and what to do', () => {
  test.each(broken)('%s', (_what, search, replacement, path, message, pointsAt) => {
    expect(shipped).toContain(search)
    const text = shipped.replace(search, replacement)
    const answer = parseCatalogue(text)
    if (answer.ok) throw new Error('was accepted')
    const error = answer.errors.find((candidate) => candidate.path === path)
    if (error === undefined) throw new Error(`nothing at ${path}: ${formatCatalogueErrors(answer.errors)}`)
    expect(error.message).toContain(message)
    const rest = text
      .split('\n')
      .slice(error.line - 1)
      .join('\n')
      .slice(error.column - 1)
    expect(rest.slice(0, pointsAt.length)).toBe(pointsAt)
  })

  test.each([
    ['nothing', ''],
    ['comments alone', '# nothing here\n'],
    ['null', 'null\n'],
    ['a list', '- plans\n'],
    ['a sentence', 'hello\n'],
    ['two documents', 'version: 1\n---\nversion: 2\n'],
    ['an alias that is defined', 'version: &v 1\nmarkup: *v\n'],
    ['a name that is no name', '__proto__: 1\n'],
    ['a map as a name', '{ a: 1 }: 2\n'],
    ['binary', '\u0000\u0001\u0002'],
  ])('%s', (_what, text) => {
    const answer = parseCatalogue(text)
    if (answer.ok) throw new Error('was accepted')
    expect(answer.errors.length).toBeGreaterThan(0)
    for (const { line, column, message } of answer.errors) {
      expect([line > 0, column > 0, message.length > 5]).toEqual([true, true, true])
    }
  })

  test('all mistakes at once, in the order of their lines, one line each', () => {
    const text = shipped
      .replace('allowance: 1000,', 'allowance: -5,')
      .replace('fairShare: 8', 'fairShare: 0')
      .replace('kind: ollama', 'kind: llama')
    const answer = parseCatalogue(text)
    if (answer.ok) throw new Error('was accepted')
    expect(answer.errors.map(({ path }) => path)).toEqual([
      'plans.starter.allowance',
      'providers.ollama.kind',
      'policies.fairShare',
    ])
    const printed = formatCatalogueErrors(answer.errors)
    expect(printed.split('\n')).toHaveLength(3)
    expect(printed).toMatch(/^catalogue\.yaml:\d+:\d+ plans\.starter\.allowance: must be an amount/)
  })
})
