import { randomUUID } from 'node:crypto'
import { generateImage, generateText, streamText } from 'ai'
import type OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTollgateProvider } from '../../middleware/ai-sdk.ts'
import { internal } from '../../middleware/internal-work.ts'
import type { Fetch } from '../../middleware/model-fetch.ts'
import { createOpenAI } from '../../middleware/openai.ts'
import { withAttribution } from '../../middleware/temporal/attribution.ts'
import { type Account, openStand, says, type Stand } from '../gateway/stand.ts'
import { inAttempt } from './attempt.ts'

const serviceKey = `service-${randomUUID()}`
let stand: Stand
let account: Account
beforeAll(async () => {
  stand = await openStand({ change: { serviceKey } })
})
afterAll(() => stand.close())
beforeEach(async () => {
  account = await stand.account({ credits: 1_000 })
})

const options = (fetch?: Fetch) => ({
  baseURL: `${stand.url}/v1`,
  apiKey: serviceKey,
  ...(fetch === undefined ? {} : { fetch }),
})
const openai = (fetch?: Fetch): OpenAI => createOpenAI(options(fetch))
const prompt = (script: object): string => JSON.stringify(script)

/** What an answer was made of: its words, and whether it was replayed. */
interface Asked {
  readonly words: string
  readonly receipt: string
  readonly isReplayed: boolean
}

/** The three ways in which callers ask. */
const clients = {
  async openai(script: object, fetch?: Fetch): Promise<Asked> {
    const { data, response } = await openai(fetch)
      .chat.completions.create({ model: 'mock/plain', messages: says(script) })
      .withResponse()
    return asked(data.choices[0]!.message.content!, Object.fromEntries(response.headers))
  },
  async 'openai, streamed'(script: object, fetch?: Fetch): Promise<Asked> {
    const { data, response } = await openai(fetch)
      .chat.completions.create({ model: 'mock/plain', messages: says(script), stream: true })
      .withResponse()
    let words = ''
    for await (const chunk of data) words += chunk.choices[0]!.delta.content ?? ''
    return asked(words, Object.fromEntries(response.headers))
  },
  async 'the AI SDK'(script: object, fetch?: Fetch): Promise<Asked> {
    const model = createTollgateProvider(options(fetch)).languageModel('mock/plain')
    const { text, response } = await generateText({ model, prompt: prompt(script) })
    return asked(text, response.headers)
  },
  async 'the AI SDK, streamed'(script: object, fetch?: Fetch): Promise<Asked> {
    const model = createTollgateProvider(options(fetch)).languageModel('mock/plain')
    const result = streamText({ model, prompt: prompt(script) })
    return asked(await result.text, (await result.response).headers)
  },
}
const each = Object.entries(clients)

function asked(words: string, headers: Readonly<Record<string, string>> = {}): Asked {
  return { words, receipt: headers['x-tollgate-receipt']!, isReplayed: headers['x-tollgate-replayed'] === 'true' }
}

describe.each(each)('a call of %s', (_, ask) => {
  it('is booked to whom the activity works for', async () => {
    const who = { account: account.id, organization: 'acme', employee: 'bo', message: 'm-1' }
    await inAttempt(who, '1', () => ask({ tokens: 3 }))
    await inAttempt(who, '2', () => internal('safety', () => ask({ tokens: 4 })))
    expect(await stand.receipts(account)).toMatchObject([
      { row: 'ai_usage|fast|mock/plain||bo|acme', detail: { messageId: 'm-1' } },
      { row: 'internal|fast|mock/plain|safety|bo|acme', detail: { messageId: 'm-1', purpose: 'internal:safety' } },
    ])
  })

  it('is replayed to the next attempt, uncharged', async () => {
    const attempt = () => inAttempt({ account: account.id }, '1', () => ask({ tokens: 6 }))
    const first = await attempt()
    const sent = stand.upstream.calls.length
    expect(await attempt()).toEqual({ ...first, isReplayed: true })
    expect(stand.upstream.calls).toHaveLength(sent)
    expect(await stand.receipts(account)).toHaveLength(1)
  })

  it('finds its own answer though parallel calls change their order, and equal calls are calls of their own', async () => {
    const scripts = [{ tokens: 2 }, { tokens: 3 }, { tokens: 2 }, { tokens: 4 }]
    const attempt = async (order: readonly number[]) => {
      const answers: Asked[] = []
      await inAttempt({ account: account.id }, '1', () =>
        Promise.all(order.map(async (index) => (answers[index] = await ask(scripts[index]!)))),
      )
      return answers
    }
    const first = await attempt([0, 1, 2, 3])
    const second = await attempt([3, 2, 1, 0])
    expect(second.map(({ isReplayed }) => isReplayed)).toEqual([true, true, true, true])
    expect(second.map(({ words }) => words)).toEqual(first.map(({ words }) => words))
    expect([second[0]!.receipt, second[2]!.receipt].toSorted()).toEqual(
      [first[0]!.receipt, first[2]!.receipt].toSorted(),
    )
    expect(await stand.receipts(account)).toHaveLength(4)
  })

  it('is another one in another activity, with another body, and behind the scenes', async () => {
    const who = { account: account.id }
    await inAttempt(who, '1', async () => {
      await ask({ tokens: 2 })
      await ask({ tokens: 3 })
      await internal('memory', () => ask({ tokens: 2 }))
    })
    await inAttempt(who, '2', () => ask({ tokens: 2 }))
    expect(await stand.receipts(account)).toHaveLength(4)
  })

  it('without anybody to bill is refused before it is sent', async () => {
    let sent = 0
    const counting: Fetch = (input, init) => ((sent += 1), fetch(input, init))
    const error: unknown = await ask({ tokens: 1 }, counting).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(String(error)).toContain('missing_account: ')
    expect(error).toMatchObject({ [error !== null && 'status' in (error as object) ? 'status' : 'statusCode']: 400 })
    expect(sent).toBe(0)
    const { words } = await withAttribution({ account: account.id }, () => ask({ tokens: 1 }, counting))
    expect(words).not.toBe('')
    expect(await stand.receipts(account)).toHaveLength(1)
  })

  it('of two runs at once does not mix them up', async () => {
    const other = await stand.account({ credits: 1_000 })
    await Promise.all(
      Array.from({ length: 12 }, (__, index) =>
        inAttempt({ account: index % 2 === 0 ? account.id : other.id, message: `m-${index}` }, `a-${index}`, () =>
          ask({ tokens: 5 }),
        ),
      ),
    )
    for (const [whose, first] of [
      [account, 0],
      [other, 1],
    ] as const) {
      const messages = (await stand.receipts(whose)).map(({ detail }) => detail?.messageId)
      expect(new Set(messages)).toEqual(new Set([0, 2, 4, 6, 8, 10].map((step) => `m-${step + first}`)))
      expect(messages).toHaveLength(6)
    }
  })
})

describe.each(each.filter(([name]) => name !== 'the AI SDK, streamed'))("%s' own retries", (_, ask) => {
  it('are the same call: an answer that was lost on its way is not paid for twice', async () => {
    let left = 1
    const keys: (string | null)[] = []
    const losing: Fetch = async (input, init) => {
      keys.push(new Headers(init?.headers).get('idempotency-key'))
      const response = await fetch(input, init)
      left -= 1
      if (left < 0) return response
      await response.text()
      // The SDK's own way of saying that the connection was reset
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) })
    }
    const answer = await inAttempt({ account: account.id }, '1', () => ask({ tokens: 5 }, losing))
    expect(answer.isReplayed).toBe(true)
    expect(keys).toHaveLength(2)
    expect(keys[1]).toBe(keys[0])
    expect(await stand.receipts(account)).toHaveLength(1)
  })

  it('of a call that the provider failed get its key again', async () => {
    const keys: (string | null)[] = []
    const watching: Fetch = (input, init) => {
      keys.push(new Headers(init?.headers).get('idempotency-key'))
      return fetch(input, init)
    }
    const failing = inAttempt({ account: account.id }, '1', () => ask({ status: 500 }, watching))
    await expect(failing).rejects.toMatchObject({ message: expect.stringContaining('the mock') })
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
  })
})

describe('what a caller sends itself', () => {
  it('stays: its key, its account, and then no names of the current one', async () => {
    const other = await stand.account({ credits: 10 })
    const create = (headers: Record<string, string>) =>
      inAttempt({ account: account.id, employee: 'bo' }, '1', () =>
        openai()
          .chat.completions.create({ model: 'mock/plain', messages: says({ tokens: 2 }) }, { headers })
          .withResponse(),
      )
    await create({ 'x-tollgate-account': other.id, 'idempotency-key': 'mine' })
    const again = await create({ 'x-tollgate-account': other.id, 'idempotency-key': 'mine' })
    expect(again.response.headers.get('x-tollgate-replayed')).toBe('true')
    await create({ 'x-tollgate-employee': 'al', 'x-tollgate-purpose': 'internal:memory' })
    expect(await stand.receipts(other)).toMatchObject([{ row: 'ai_usage|fast|mock/plain|||' }])
    expect(await stand.receipts(account)).toMatchObject([{ row: 'internal|fast|mock/plain|memory|al|' }])
  })
})

describe('an answer that is not kept', () => {
  it('is made and charged anew, so that the activity does not stand still for good', async () => {
    const attempt = () =>
      inAttempt({ account: account.id }, '1', () => clients.openai({ tokens: 15_000, wordLength: 20 }))
    const first = await attempt()
    await stand.receipts(account)
    const second = await attempt()
    expect(second.isReplayed).toBe(false)
    expect(second.words).toBe(first.words)
    expect(await stand.receipts(account)).toHaveLength(2)
  })
})

describe('images', () => {
  it('made through either client are charged to the account once, in all attempts', async () => {
    const attempt = () =>
      inAttempt({ account: account.id }, '1', async () => {
        const made = await openai().images.generate({ model: 'mock/image', prompt: prompt({ imageBytes: 8 }) })
        const model = createTollgateProvider(options()).imageModel('mock/image')
        const { images } = await generateImage({ model, prompt: prompt({ imageBytes: 16 }) })
        return [made.data![0]!.b64_json, images[0]!.base64]
      })
    const first = await attempt()
    expect(first.map((image) => image!.length)).toEqual([8, 16])
    expect(await attempt()).toEqual(first)
    expect(await stand.receipts(account)).toMatchObject([{ charged: 4_000_000 }, { charged: 4_000_000 }])
  })
})
