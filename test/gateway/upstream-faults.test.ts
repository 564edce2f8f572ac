import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPractice } from '../../gateway/providers/practice.ts'
import type { UpstreamProvider } from '../../gateway/upstream.ts'
import { systemClock } from '../../middleware/clock.ts'
import { until } from '../stack/until.ts'
import { inputTokens } from './mock-upstream.ts'
import { type Account, catalogue, collect, openStand, prices, says, type Stand } from './stand.ts'

let stand: Stand
let account: Account
beforeAll(async () => {
  stand = await openStand({ change: { limits: { upstreamTimeoutMs: 300 } } })
})
afterAll(() => stand.close())

const costOf = (output: number, input = inputTokens): number => input * prices.input + output * prices.output
const fresh = async (): Promise<Account> => (account = await stand.account({ credits: 100 }))
const latest = () => stand.upstream.calls.at(-1)!

async function streamOf(script: object, model = 'mock/plain'): Promise<{ text: string; error: unknown }> {
  let text = ''
  try {
    const stream = await account.client.chat.completions.create({ model, messages: says(script), stream: true })
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    return { text, error: undefined }
  } catch (error) {
    return { text, error }
  }
}

describe('an upstream that fails before any output costs nothing, and its answer is passed on', () => {
  it.each([
    { name: '400', script: { status: 400 }, status: 400, code: 'mock_code' },
    { name: '429 with Retry-After', script: { status: 429 }, status: 429, code: 'mock_code' },
    { name: '500', script: { status: 500 }, status: 500, code: 'mock_code' },
    {
      name: '500 that is no JSON',
      script: { status: 500, body: '<html>oops</html>' },
      status: 500,
      code: 'upstream_failed',
    },
    {
      name: '401: the operator’s key, not the caller’s',
      script: { status: 401 },
      status: 502,
      code: 'upstream_failed',
    },
    { name: '402: the operator’s bill', script: { status: 402 }, status: 502, code: 'upstream_failed' },
    { name: 'silence', script: { silent: true }, status: 504, code: 'upstream_timeout' },
  ])('$name', async ({ script, status, code }) => {
    await fresh()
    for (const stream of [true, false]) {
      const call = account.client.chat.completions.create({ model: 'mock/plain', messages: says(script), stream })
      await expect(call).rejects.toMatchObject({ status, code })
    }
    const receipts = await stand.receipts(account)
    expect(receipts).toMatchObject([{ charged: 0, detail: { outcome: 'failed', lines: [] } }, { charged: 0 }])
    expect(await account.figures()).toMatchObject({ held: 0, spent: 0 })
  })

  it('an error with status 200', async () => {
    await fresh()
    const call = account.client.chat.completions.create({
      model: 'mock/plain',
      messages: says({ status: 200, body: '{"error":{"message":"no"}}' }),
    })
    await expect(call).rejects.toMatchObject({ status: 502, code: 'upstream_failed' })
    expect(await stand.receipts(account)).toMatchObject([{ charged: 0 }])
  })

  it('a provider that cannot be reached', async () => {
    await fresh()
    await expect(
      account.client.chat.completions.create({ model: 'down/gone', messages: says({}) }),
    ).rejects.toMatchObject({ status: 502, code: 'upstream_failed' })
    expect(await stand.receipts(account)).toMatchObject([{ charged: 0 }])
  })

  it('passes Retry-After on', async () => {
    await fresh()
    const response = await account.fetch('/v1/chat/completions', {
      method: 'POST',
      body: JSON.stringify({ model: 'mock/plain', messages: says({ status: 429 }) }),
    })
    expect(response.headers.get('retry-after')).toBe('7')
  })
})

describe('an upstream that fails during its answer', () => {
  it('cut before any token: nothing is charged, and the reader is told', async () => {
    await fresh()
    expect((await streamOf({ cutAfter: 0 })).error).toMatchObject({ code: 'upstream_cut' })
    expect(await stand.receipts(account)).toMatchObject([{ charged: 0, detail: { outcome: 'failed' } }])
  })

  it('cut mid-stream: what was produced is charged, and the reader is told', async () => {
    await fresh()
    const { text, error } = await streamOf({ tokens: 100, cutAfter: 30 })
    expect(text).toHaveLength(90)
    expect(error).toMatchObject({ code: 'upstream_cut', error: { tollgate: { estimated: true } } })
    const [receipt] = await stand.receipts(account)
    expect(receipt).toMatchObject({ detail: { outcome: 'failed', estimated: true } })
    expect(receipt!.quantities.outputTokens).toBeGreaterThan(15)
    expect(receipt!.quantities.outputTokens).toBeLessThan(61)
  })

  it('an error event mid-stream: the same', async () => {
    await fresh()
    const { text, error } = await streamOf({ tokens: 100, errorAfter: 30 })
    expect(text).toHaveLength(90)
    expect(error).toMatchObject({ code: 'upstream_failed', message: expect.stringContaining('the mock broke') })
    expect(await stand.receipts(account)).toMatchObject([{ detail: { outcome: 'failed', estimated: true } }])
  })

  it('silence mid-stream is a cut', async () => {
    await fresh()
    expect((await streamOf({ tokens: 100, waitAfter: 20 })).error).toMatchObject({ code: 'upstream_cut' })
    expect(await stand.receipts(account)).toMatchObject([{ detail: { outcome: 'failed', estimated: true } }])
  })
})

describe('usage', () => {
  it('missing in a stream: counted, and marked as an estimate', async () => {
    await fresh()
    expect((await streamOf({ tokens: 50, usage: 'missing' })).error).toBeUndefined()
    const [receipt] = await stand.receipts(account)
    expect(receipt).toMatchObject({ detail: { outcome: 'finished', estimated: true } })
    expect(receipt!.quantities.outputTokens).toBeGreaterThan(30)
  })

  it('missing where the caller asked for it: made up, in the chunk that it waits for', async () => {
    await fresh()
    const stream = await account.client.chat.completions.create({
      model: 'mock/plain',
      messages: says({ tokens: 50, usage: 'missing' }),
      stream: true,
      stream_options: { include_usage: true },
    })
    expect((await collect(stream)).at(-1)).toMatchObject({
      choices: [],
      usage: { completion_tokens: expect.any(Number) },
      tollgate: { estimated: true },
    })
  })

  it('missing in a whole answer: counted', async () => {
    await fresh()
    const answer = await account.client.chat.completions.create({
      model: 'mock/plain',
      messages: says({ tokens: 50, usage: 'missing' }),
    })
    expect(answer).toMatchObject({ tollgate: { estimated: true } })
  })

  it.each([
    { usage: 'twice', charged: costOf(20) },
    { usage: 'cumulative', charged: costOf(20) },
  ])('$usage: the last report counts', async ({ usage, charged }) => {
    for (const include_usage of [true, false]) {
      await fresh()
      const stream = await account.client.chat.completions.create({
        model: 'mock/plain',
        messages: says({ tokens: 20, usage }),
        stream: true,
        stream_options: { include_usage },
      })
      const chunks = await collect(stream)
      expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toHaveLength(60)
      expect(chunks.filter((chunk) => 'tollgate' in chunk)).toMatchObject([{ tollgate: { microCredits: charged } }])
      expect(await stand.receipts(account)).toMatchObject([{ charged, detail: { estimated: false } }])
    }
  })

  it('that leaves out the text which everybody saw is as good as missing', async () => {
    await fresh()
    await streamOf({ tokens: 50, usage: 'zero' })
    await account.client.chat.completions.create({ model: 'mock/plain', messages: says({ tokens: 50, usage: 'zero' }) })
    const receipts = await stand.receipts(account)
    expect(receipts).toMatchObject([{ detail: { estimated: true } }, { detail: { estimated: true } }])
    expect(Math.min(...receipts.map(({ quantities }) => quantities.outputTokens))).toBeGreaterThan(30)
    expect(receipts[0]!.quantities.inputTokens).toBe(inputTokens)
  })

  it('cached and reasoning tokens reach the receipt', async () => {
    await fresh()
    await streamOf({ tokens: 20, usage: 'cached' })
    expect(await stand.receipts(account)).toMatchObject([
      { quantities: { inputTokens, cachedTokens: 10, outputTokens: 20, reasoningTokens: 3 } },
    ])
  })

  it('lines that end as on Windows, and a stream without [DONE]', async () => {
    await fresh()
    expect((await streamOf({ tokens: 20, crlf: true, done: false })).error).toBeUndefined()
    expect(await stand.receipts(account)).toMatchObject([{ charged: costOf(20) }])
  })
})

describe('a caller who hangs up', () => {
  const leaving = (model: string) => async (): Promise<void> => {
    await fresh()
    const started = stand.upstream.calls.length
    const stream = await account.client.chat.completions.create({
      model,
      messages: says({ tokens: 100, waitAfter: 40 }),
      stream: true,
    })
    let seen = 0
    for await (const chunk of stream) if ((chunk.choices[0]?.delta.content ?? '') !== '' && ++seen === 40) break
    const call = await stand.upstream.call(started)
    await call.ended
    expect(call.aborted).toBe(true)
  }
  const untilSettled = async () => {
    for (;;) {
      const receipts = await stand.receipts(account)
      if (receipts.length > 0) return receipts[0]!
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  it('pays for what was streamed, and the upstream is stopped', async () => {
    await leaving('mock/plain')()
    const receipt = await untilSettled()
    expect(receipt).toMatchObject({ detail: { outcome: 'abandoned', estimated: true } })
    expect(receipt.quantities.outputTokens).toBeGreaterThan(20)
    expect(receipt.quantities.outputTokens).toBeLessThan(81)
  })

  it('pays nothing where the provider bills nothing', async () => {
    await leaving('lenient/plain')()
    expect(await untilSettled()).toMatchObject({ charged: 0, detail: { outcome: 'abandoned' } })
  })

  it('pays nothing when the provider had not heard of the call', async () => {
    const control = new AbortController()
    const slow = await openStand({
      wrapLedger: (ledger) => ({
        ...ledger,
        async reserve(request, evidence) {
          control.abort()
          await until(async () => (await slow.connections()) === 0)
          return ledger.reserve(request, evidence)
        },
      }),
    })
    const caller = await slow.account({ credits: 100 })
    const asked = caller.fetch('/v1/chat/completions', {
      method: 'POST',
      body: JSON.stringify({ model: 'mock/plain', messages: says({}) }),
      signal: control.signal,
    })
    await expect(asked).rejects.toThrow(/abort/)
    await until(async () => (await slow.receipts(caller)).length > 0)
    expect(await slow.receipts(caller)).toMatchObject([{ charged: 0 }])
    expect(slow.upstream.calls).toHaveLength(0)
    await slow.close()
  })

  it('pays for the input of an answer that is not streamed', async () => {
    await fresh()
    const started = stand.upstream.calls.length
    const control = new AbortController()
    const call = account.client.chat.completions.create(
      { model: 'mock/plain', messages: says({ tokens: 100, waitAfter: 0 }) },
      { signal: control.signal },
    )
    await stand.upstream.call(started)
    control.abort()
    await expect(call).rejects.toThrow('aborted')
    await latest().ended
    expect(latest().aborted).toBe(true)
    const receipt = await untilSettled()
    expect(receipt).toMatchObject({
      detail: { outcome: 'abandoned', estimated: true },
      quantities: { outputTokens: 0 },
    })
    expect(receipt.charged).toBeGreaterThan(0)
  })
})

describe('the next model of the tier', () => {
  it('answers when the first fails before any output: one receipt, at the price of the one that answered', async () => {
    await fresh()
    const { data, response } = await account.client.chat.completions
      .create({ model: 'standard', messages: says({ tokens: 10 }) })
      .withResponse()
    expect(response.headers.get('x-tollgate-model')).toBe('second/dear')
    expect(data).toMatchObject({ tollgate: { microCredits: 3 * costOf(10), tier: 'standard' } })
    expect(await stand.receipts(account)).toMatchObject([
      { charged: 3 * costOf(10), row: 'ai_usage|standard|second/dear|||' },
    ])
  })

  it('answers when the first breaks off before its first word, though it began with status 200', async () => {
    const role =
      'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
    const endings = {
      error: 'data: {"error":{"message":"overloaded"}}\n\n',
      end: '',
      break: new Error('reset'),
    }
    for (const ending of Object.values(endings)) {
      const failing: UpstreamProvider = {
        id: 'mock',
        outputLimitField: 'max_tokens',
        chat: () =>
          Promise.resolve({
            status: 200,
            contentType: 'text/event-stream',
            retryAfter: '',
            body: (async function* () {
              yield Buffer.from(role)
              if (ending instanceof Error) throw ending
              yield Buffer.from(ending)
            })(),
          }),
        images: () => Promise.reject(new Error('makes none')),
      }
      const practice = createPractice({ id: 'second', tokensPerSecond: 0, clock: systemClock })
      const [fast, ...tiers] = catalogue.tiers
      const two = await openStand({
        change: {
          catalogue: { ...catalogue, tiers: [{ ...fast!, models: ['mock/plain', 'second/dear'] }, ...tiers] },
          providerOf: (id) => (id === 'mock' ? failing : practice),
        },
      })
      const caller = await two.account({ credits: 100 })
      const create = (model: string) =>
        caller.client.chat.completions.create({ model, messages: [{ role: 'user', content: 'hello' }], stream: true })
      const chunks = await collect(await create('fast'))
      expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).not.toBe('')
      expect(await two.receipts(caller)).toMatchObject([{ row: 'ai_usage|fast|second/dear|||' }])
      await expect(create('mock/plain')).rejects.toMatchObject({ status: 502, code: 'upstream_failed' })
      expect(await two.receipts(caller)).toMatchObject([{}, { charged: 0, detail: { outcome: 'failed' } }])
      await two.close()
    }
  })

  it('is never the practice provider', async () => {
    await fresh()
    await expect(
      account.client.chat.completions.create({ model: 'fast', messages: says({ status: 500 }) }),
    ).rejects.toMatchObject({ status: 500 })
  })
})

it('a provider that thinks for longer than a lease finds the credits still held', async () => {
  const renewals = Promise.withResolvers<void>()
  const patient = await openStand({
    change: { limits: { holdTtlMs: 90 } },
    wrapLedger: (ledger) => ({
      ...ledger,
      extend: (request) => ledger.extend(request).finally(() => renewals.resolve()),
    }),
  })
  const caller = await patient.account({ credits: 100 })
  const answered = caller.client.chat.completions
    .create({ model: 'mock/plain', messages: says({ tokens: 3, waitAfter: 0 }) })
    .then(({ usage }) => usage)
  const upstream = await patient.upstream.call(0)
  await renewals.promise
  upstream.release()
  expect(await answered).toMatchObject({ completion_tokens: 3 })
  await patient.close()
})

it('a slow reader slows the upstream down: nothing piles up in between', async () => {
  await fresh()
  const started = stand.upstream.calls.length
  const tokens = 4_000_000
  const body = JSON.stringify({
    model: 'ollama/any',
    stream: true,
    messages: says({ tokens, perChunk: 1_000, wordLength: 20 }),
  })
  const control = new AbortController()
  const response = await account.fetch('/v1/chat/completions', { method: 'POST', body, signal: control.signal })
  const call = await stand.upstream.call(started)
  // Blocked for as many turns of the event loop as would have moved tens of megabytes.
  for (let turns = 0; turns < 2_000; turns = call.blocked ? turns + 1 : 0)
    await new Promise((resolve) => setImmediate(resolve))
  expect(call.tokens).toBeLessThan(tokens / 2)
  const reader = response.body!.getReader()
  const before = call.tokens
  while (call.tokens === before) await reader.read()
  control.abort()
  await call.ended
  expect(call.aborted).toBe(true)
})
