import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inputTokens } from './mock-upstream.ts'
import { collect, openStand, prices, says, type Stand } from './stand.ts'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
})
afterAll(() => stand.close())

const costOf = (output: number, input = inputTokens): number => input * prices.input + output * prices.output

describe('a call that is not streamed', () => {
  it('is answered, charged by the usage that the provider reports, and tells its cost', async () => {
    const account = await stand.account({ credits: 100 })
    const { data, response } = await account.client.chat.completions
      .create({ model: 'mock/plain', messages: says({ tokens: 40 }) })
      .withResponse()
    expect(data.choices[0]!.message.content).toContain(' aa bb cc')
    expect(data).toMatchObject({
      x_unknown: { kept: '12345678901234567890' },
      tollgate: {
        microCredits: costOf(40),
        model: 'mock/plain',
        provider: 'mock',
        pricedAs: 'mock/plain',
        estimated: false,
      },
    })
    const [receipt] = await stand.receipts(account)
    expect(response.headers.get('x-tollgate-receipt')).toBe(receipt!.id)
    expect(response.headers.get('x-tollgate-credits')).toBe('0.0417')
    expect(receipt).toMatchObject({
      charged: costOf(40),
      uncollected: 0,
      quantities: { units: 1, inputTokens, outputTokens: 40 },
      detail: { outcome: 'finished', estimated: false },
    })
    expect(await account.figures()).toMatchObject({ held: 0, spent: costOf(40) })
  })
})

describe('a streamed call', () => {
  it('passes the bytes through and puts the cost beside the usage where usage was asked for', async () => {
    const account = await stand.account({ credits: 100 })
    const stream = await account.client.chat.completions.create({
      model: 'mock/plain',
      messages: says({ tokens: 30 }),
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await collect(stream)
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toHaveLength(90)
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { completion_tokens: 30 },
      tollgate: { microCredits: costOf(30) },
    })
    expect(await stand.receipts(account)).toMatchObject([{ charged: costOf(30), quantities: { outputTokens: 30 } }])
  })

  it('puts the cost into the last chunk with a choice where usage was not asked for, and takes the usage out', async () => {
    const account = await stand.account({ credits: 100 })
    const stream = await account.client.chat.completions.create({
      model: 'mock/plain',
      messages: says({ tokens: 30 }),
      stream: true,
    })
    const chunks = await collect(stream)
    expect(chunks.every((chunk) => chunk.choices.length === 1 && chunk.usage == null)).toBe(true)
    expect(chunks.at(-1)).toMatchObject({
      choices: [{ finish_reason: 'stop' }],
      tollgate: { microCredits: costOf(30) },
    })
  })

  it('is cut at zero with an error that the client raises, and the next call is refused', async () => {
    const account = await stand.account({ credits: 1 })
    let text = ''
    const running = (async () => {
      const stream = await account.client.chat.completions.create({
        model: 'mock/plain',
        messages: says({ tokens: 5_000 }),
        stream: true,
      })
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    })()
    await expect(running).rejects.toMatchObject({
      code: 'credits_depleted',
      error: { tollgate: { model: 'mock/plain' } },
    })
    expect(text.length).toBeGreaterThan(1_000)
    const [receipt] = await stand.receipts(account)
    expect(receipt).toMatchObject({ uncollected: 0, detail: { outcome: 'stopped_at_zero', estimated: true } })
    const { remaining } = await account.figures()
    expect(remaining).toBeLessThan(10_000)
    const before = stand.upstream.calls.length
    await expect(
      account.client.chat.completions.create({ model: 'mock/plain', messages: says({}) }),
    ).rejects.toMatchObject({ status: 402, code: 'credits_depleted' })
    expect(stand.upstream.calls).toHaveLength(before)
  })

  it('that is too dear for what is left is cut as such: the credits are not depleted, and a cheaper model goes on', async () => {
    const account = await stand.account({ credits: 2.98 })
    const running = (async () => {
      const stream = await account.client.chat.completions.create({
        model: 'mock/costly',
        messages: says({ tokens: 5_000 }),
        stream: true,
      })
      for await (const chunk of stream) expect(chunk.choices).toHaveLength(1)
    })()
    await expect(running).rejects.toMatchObject({ code: 'insufficient_credits' })
    await stand.receipts(account)
    const { remaining } = await account.figures()
    expect(remaining).toBeGreaterThan(10_000)
    expect(remaining).toBeLessThan(50 * 1_000)
    const answer = await account.client.chat.completions.create({
      model: 'mock/plain',
      max_tokens: 5,
      messages: says({ tokens: 5 }),
    })
    expect(answer.choices[0]!.finish_reason).toBe('stop')
  })
})
