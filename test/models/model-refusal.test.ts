import { randomUUID } from 'node:crypto'
import { generateImage, generateText, streamText } from 'ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { creditsToMicro } from '../../credits/money.ts'
import { LedgerUnavailable } from '../../ledger/ledger.ts'
import { createTollgateProvider } from '../../middleware/ai-sdk.ts'
import { createOpenAI } from '../../middleware/openai.ts'
import { withAttribution } from '../../middleware/temporal/attribution.ts'
import { refusalOfError } from '../../middleware/temporal/model-refusal.ts'
import { openStand, says, type Stand } from '../gateway/stand.ts'

const serviceKey = `service-${randomUUID()}`
let stand: Stand
beforeAll(async () => {
  stand = await openStand({ change: { serviceKey } })
})
afterAll(() => stand.close())

const at = (url: string) => ({ baseURL: `${url}/v1`, apiKey: serviceKey })
const modelAt = (url: string) => createTollgateProvider(at(url)).languageModel('mock/plain')

/** How an activity asks, each ending in what it would throw. */
const clients = {
  openai: (url: string, script: object) =>
    createOpenAI(at(url)).chat.completions.create({ model: 'mock/plain', messages: says(script) }),
  async 'openai, streamed'(url: string, script: object) {
    const request = { model: 'mock/plain', messages: says(script), stream: true } as const
    for await (const chunk of await createOpenAI(at(url)).chat.completions.create(request)) expect(chunk).toBeDefined()
  },
  'the AI SDK': (url: string, script: object) =>
    generateText({ model: modelAt(url), prompt: JSON.stringify(script), maxRetries: 1 }),
  async 'the AI SDK, its text streamed'(url: string, script: object) {
    const { textStream } = streamText({ model: modelAt(url), prompt: JSON.stringify(script), onError: () => undefined })
    for await (const text of textStream) expect(text).not.toBe('')
  },
  'the AI SDK, its streamed text in one': async (url: string, script: object) =>
    streamText({ model: modelAt(url), prompt: JSON.stringify(script), onError: () => undefined }).text,
}
const each = Object.entries(clients)

async function thrownBy(account: string, work: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    await withAttribution({ account }, work)
  } catch (error) {
    return error
  }
  throw new Error('it was not refused')
}

describe.each(each)('an error of %s is a refusal', (_, ask) => {
  it('at zero', async () => {
    const { id } = await stand.account({ credits: 0 })
    expect(refusalOfError(await thrownBy(id, () => ask(stand.url, { tokens: 5 })))).toEqual({
      kind: 'credits_depleted',
    })
  })

  it('of a budget, and says which', async () => {
    const level = 'employee:bo'
    const budget = { level, limit: creditsToMicro('0.001'), window: 'day', atLimit: 'pause' } as const
    const { id } = await stand.account({ credits: 10, budgets: [budget] })
    const error = await thrownBy(id, () =>
      withAttribution({ account: id, employee: 'bo' }, () => ask(stand.url, { tokens: 5 })),
    )
    expect(refusalOfError(error)).toEqual({ kind: 'budget_exhausted', level, left: 1_000 })
  })

  it('of an account that does not exist, and of a ledger that does not answer', async () => {
    expect(refusalOfError(await thrownBy('nobody', () => ask(stand.url, { tokens: 5 })))).toEqual({
      kind: 'account_unknown',
    })
    const away = await openStand({
      change: { serviceKey, readAccount: () => Promise.reject(new LedgerUnavailable('away')) },
    })
    const error = await thrownBy('u-1', () => ask(away.url, { tokens: 5 }))
    await away.close()
    expect(refusalOfError(error)).toMatchObject({
      kind: 'ledger_unavailable',
      reason: expect.stringContaining('ledger'),
    })
  })

  it('never of anything else', async () => {
    const { id } = await stand.account({ credits: 10 })
    for (const script of [
      { status: 402, body: '{"error":{"message":"pay us","code":"credits_depleted"}}' },
      { status: 400 },
    ])
      expect(refusalOfError(await thrownBy(id, () => ask(stand.url, script)))).toBeUndefined()
    expect(refusalOfError(await thrownBy(id, () => ask('http://127.0.0.1:1', {})))).toBeUndefined()
  })
})

it.each(each.filter(([name]) => name.includes('stream')))(
  'credits that run out in the middle are a refusal: %s',
  async (_, ask) => {
    const { id } = await stand.account({ credits: 1 })
    const error = await thrownBy(id, () => ask(stand.url, { tokens: 2_000 }))
    expect(refusalOfError(error)).toEqual({ kind: 'credits_depleted' })
    expect(refusalOfError(new Error('the activity failed', { cause: error }))).toEqual({ kind: 'credits_depleted' })
  },
)

it.each([
  ['openai', (id: string) => createOpenAI(at(stand.url)).images.generate({ model: 'mock/image', prompt: id })],
  [
    'the AI SDK',
    (id: string) =>
      generateImage({ model: createTollgateProvider(at(stand.url)).imageModel('mock/image'), prompt: id }),
  ],
])('a refusal of %s says what the call needs', async (_, ask) => {
  const { id } = await stand.account({ credits: 3 })
  expect(refusalOfError(await thrownBy(id, () => ask(id)))).toEqual({
    kind: 'insufficient_credits',
    needed: 4_000_000,
    available: 3_000_000,
  })
})

it.each([
  ['nothing', undefined],
  ['text', 'credits_depleted: gone'],
  ['its own cause', ownCause()],
  ['another service', { status: 402, error: { code: 'insufficient_credits', message: 'Top up your account' } }],
  ['another status', { status: 500, error: { code: 'credits_depleted', message: 'credits_depleted: gone' } }],
  ['a broken body', { statusCode: 402, responseBody: '{"error":' }],
])('%s is no refusal', (_, error) => {
  expect(refusalOfError(error)).toBeUndefined()
})

it('a refusal without amounts, as some clients hand it on, is one of an empty balance', () => {
  const data = { code: 'insufficient_credits', message: 'insufficient_credits: too little', type: 'insufficient_quota' }
  expect(refusalOfError({ data, statusCode: undefined })).toEqual({ kind: 'credits_depleted' })
})

function ownCause(): Error {
  const error = new Error('round')
  error.cause = error
  return error
}
