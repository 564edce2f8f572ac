import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toMicro } from '../../credits/money.ts'
import { inputTokens } from './mock-upstream.ts'
import { collect, openStand, prices, says, type Stand } from './stand.ts'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
})
afterAll(() => stand.close())

const sentTo = async (model: string, request: object, credits: number) => {
  const account = await stand.account({ credits })
  await account.client.chat.completions.create({ model, messages: says({ tokens: 3 }), ...request })
  return stand.upstream.calls.at(-1)!.body
}

describe('a call that cannot be cut', () => {
  it('feels no clamp while the balance is comfortable', async () => {
    const body = await sentTo('mock/plain', {}, 1_000)
    expect(body).not.toHaveProperty('max_tokens')
    expect(body).not.toHaveProperty('max_completion_tokens')
    expect((await sentTo('mock/plain', { max_tokens: 1_000 }, 100))['max_tokens']).toBe(1_000)
  })

  it('is limited to what a fair share of a small balance affords, in the field that the provider knows', async () => {
    const limit = (await sentTo('mock/plain', {}, 16))['max_tokens'] as number
    // An eighth of 16 credits pays for 2,000 output tokens, less the input.
    expect(limit).toBeGreaterThan(1_900)
    expect(limit).toBeLessThan(2_000)
    const renamed = await sentTo('mock/plain', { max_completion_tokens: 9_000 }, 16)
    expect(renamed['max_tokens']).toBeLessThan(2_000)
    expect(renamed).not.toHaveProperty('max_completion_tokens')
    expect((await sentTo('mock/plain', { n: 4 }, 16))['max_tokens']).toBeLessThan(500)
  })

  it('is limited to what it was given, where others took the rest a moment before', async () => {
    // What it reads is a moment old: 1,000 credits, where 1 is left.
    const late = await openStand({
      change: { readAccount: async (accountId) => ({ ...(await reading(accountId)), granted: toMicro(1e9) }) },
    })
    const reading = async (accountId: string) => {
      const answer = await late.ledger.read(accountId)
      if (answer.status !== 'loaded') throw new Error('not loaded')
      return answer
    }
    const account = await late.account({ credits: 1 })
    const answer = account.client.chat.completions.create({
      model: 'mock/plain',
      messages: says({ tokens: 5_000 }),
      max_tokens: 5_000,
    })
    await answer
    expect(late.upstream.calls.at(-1)!.body['max_tokens']).toBeLessThan(1_000)
    expect(await late.receipts(account)).toMatchObject([{ uncollected: 0 }])
    await late.close()
  })

  it('a stream is one as soon as its model has billed reasoning that it did not show', async () => {
    const own = await openStand()
    const account = await own.account({ credits: 16 })
    const sent = async (script: object) => {
      await collect(
        await account.client.chat.completions.create({ model: 'mock/plain', messages: says(script), stream: true }),
      )
      return own.upstream.calls.at(-1)!.body
    }
    expect(await sent({ tokens: 5, usage: 'cached' })).not.toHaveProperty('max_tokens')
    expect(await sent({ tokens: 5 })).toHaveProperty('max_tokens')
    await own.close()
  })

  it('a stream with hidden reasoning is one; any other stream is not', async () => {
    expect(await sentTo('mock/hidden', { stream: true }, 16)).toHaveProperty('max_tokens')
    expect(await sentTo('mock/plain', { stream: true }, 16)).not.toHaveProperty('max_tokens')
  })
})

describe('a model of an own machine', () => {
  it('answers at zero balance, at no charge, and is metered', async () => {
    const account = await stand.account({ credits: 0 })
    for (const stream of [true, false]) {
      await account.client.chat.completions
        .create({ model: 'ollama/any', messages: says({ tokens: 7 }), stream })
        .then(async (answer) => (Symbol.asyncIterator in answer ? collect(answer) : answer))
    }
    const receipts = await stand.receipts(account)
    expect(receipts).toMatchObject([
      { charged: 0, uncollected: 0, quantities: { inputTokens, outputTokens: 7 } },
      { charged: 0, quantities: { outputTokens: 7 } },
    ])
  })
})

describe('what passes through', () => {
  it('unknown fields, tools, several parts; the upstream hears its own model name and key', async () => {
    const account = await stand.account({ credits: 1_000 })
    const content = [
      { type: 'text', text: 'look' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(60_000)}` } },
      { type: 'input_audio', input_audio: { data: 'B'.repeat(4_000), format: 'mp3' } },
    ]
    const request = {
      model: 'mock/plain',
      messages: [{ role: 'user', content }],
      x_new_field: { deep: [1, 2] },
      tools: [{ type: 'function', function: { name: 'f', parameters: {} } }],
      seed: 7,
    }
    await account.client.chat.completions.create(request as never)
    const call = stand.upstream.calls.at(-1)!
    expect(call.body).toEqual({ ...request, model: 'plain' })
    expect(call.authorization).toBe('Bearer key-of-mock')
  })

  it('a picture is reserved as a picture, not as its base64', async () => {
    const account = await stand.account({ credits: 1 })
    const content = [{ type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(300_000)}` } }]
    const answer = await account.client.chat.completions.create({
      model: 'mock/plain',
      messages: [{ role: 'user', content: content as never }],
    })
    expect(answer.usage!.total_tokens).toBeGreaterThan(0)
  })
})

it('a balance that is exactly what a call holds admits it; one micro-credit less does not', async () => {
  const send = async (credits: number) => {
    const account = await stand.account({ credits })
    const body = JSON.stringify({ model: 'mock/plain', messages: says({ tokens: 5 }), max_tokens: 8 })
    const response = await account.fetch('/v1/chat/completions', { method: 'POST', body })
    return { status: response.status, body: (await response.json()) as { error?: { neededMicro: number } } }
  }
  const needed = (await send(0.011)).body.error!.neededMicro
  expect((await send(needed / 1_000_000)).status).toBe(200)
  expect((await send((needed - 1) / 1_000_000)).status).toBe(402)
})

describe('many at once', () => {
  it('200 calls on a balance for 3: what is charged is covered, and the rest is refused before the upstream hears of it', async () => {
    const script = { tokens: 200 }
    const cost = inputTokens * prices.input + 200 * prices.output
    const account = await stand.account({ credits: (3 * cost) / 1_000_000 })
    const before = stand.upstream.calls.length
    const outcomes = await Promise.allSettled(
      Array.from({ length: 200 }, () =>
        account.client.chat.completions.create({ model: 'mock/plain', messages: says(script), max_tokens: 200 }),
      ),
    )
    const answered = outcomes.filter(({ status }) => status === 'fulfilled').length
    const refusals = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : [],
    )
    expect(answered).toBeGreaterThan(0)
    expect(answered).toBeLessThanOrEqual(3)
    expect(new Set(refusals)).toEqual(new Set(['insufficient_credits']))
    expect(stand.upstream.calls.length - before).toBe(answered)
    const receipts = await stand.receipts(account)
    expect(receipts).toHaveLength(answered)
    expect(receipts.reduce((sum, { charged }) => sum + charged, 0)).toBe(answered * cost)
    expect(receipts.every(({ uncollected }) => uncollected === 0)).toBe(true)
  })

  it('1,000 streams on a grant for a tenth of them: never below zero, next to nothing uncollected, every one cut cleanly', async () => {
    const tokens = 8_000
    const whole = inputTokens * prices.input + tokens * prices.output
    const granted = (1_000 * whole) / 10
    const account = await stand.account({ credits: granted / 1_000_000 })
    let lowest = Number.POSITIVE_INFINITY
    let watching = true
    const watch = (async () => {
      while (watching) {
        lowest = Math.min(lowest, (await account.figures()).remaining)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })()
    // All are admitted before any goes on, so that all compete for what is left.
    const before = stand.upstream.calls.length
    const streams = Array.from({ length: 1_000 }, (_, index) => endOf(index))
    await stand.upstream.call(before + 999)
    for (const call of stand.upstream.calls.slice(before)) call.release()
    const ends = await Promise.all(streams)
    watching = false
    await watch
    const receipts = await stand.receipts(account)
    const charged = receipts.reduce((sum, receipt) => sum + receipt.charged, 0)
    const uncollected = receipts.reduce((sum, receipt) => sum + receipt.uncollected, 0)
    const figures = await account.figures()
    // oxlint-disable-next-line no-console -- the figure that the issue asks to state
    console.log(
      `1,000 streams: granted ${granted / 1e6} credits, charged ${charged / 1e6}, uncollected ${uncollected / 1e6} (${((100 * uncollected) / granted).toFixed(4)} % of the grant), left ${figures.remaining / 1e6}, ends ${JSON.stringify(tally(ends))}`,
    )
    expect(charged).toBeLessThanOrEqual(granted)
    expect(lowest).toBeGreaterThanOrEqual(0)
    expect(uncollected).toBeLessThan(granted / 100)
    expect(figures.held).toBe(0)
    expect(
      Object.keys(tally(ends)).every((end) => /^(done|cut credits_depleted|cut insufficient_credits)$/.test(end)),
    ).toBe(true)

    /** How the raw bytes of one stream end. */
    async function endOf(index: number): Promise<string> {
      const response = await account.fetch('/v1/chat/completions', {
        method: 'POST',
        body: JSON.stringify({
          model: 'mock/plain',
          stream: true,
          messages: says({ tokens, perChunk: 16, waitAfter: 16, seed: index }),
        }),
      })
      const text = await response.text()
      if (!response.ok) return `refused ${(JSON.parse(text) as { error: { code: string } }).error.code}`
      const last = text.trimEnd().split('\n\n').at(-1)!.slice('data: '.length)
      return last === '[DONE]' ? 'done' : `cut ${(JSON.parse(last) as { error: { code: string } }).error.code}`
    }
  })
})

const tally = (words: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
