import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, collect, openStand, says, type Stand } from './stand.ts'

let stand: Stand
let account: Account
beforeAll(async () => {
  stand = await openStand()
  account = await stand.account({ credits: 1_000 })
})
afterAll(() => stand.close())

const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: {
        city: { type: 'string' },
        unit: { enum: ['C', 'F'] },
        days: { type: 'integer', minimum: 1, maximum: 5 },
      },
      required: ['city'],
    },
  },
}
const ask = (content: string) => [{ role: 'user' as const, content }]

describe.each(['mock/plain', 'practice/plain'])('the stock client and %s', (model) => {
  it('.stream() gathers the answer, with and without usage', async () => {
    for (const stream_options of [undefined, { include_usage: true }]) {
      const runner = account.client.chat.completions.stream({
        model,
        messages: says({ tokens: 20 }),
        ...(stream_options === undefined ? {} : { stream_options }),
      })
      const final = await runner.finalChatCompletion()
      expect(final.choices[0]!.message.content!.length).toBeGreaterThan(20)
      expect(final.choices[0]!.finish_reason).toBe('stop')
    }
  })

  it('reads every chunk the way people do: choices[0].delta', async () => {
    const stream = await account.client.chat.completions.create({ model, messages: says({ tokens: 20 }), stream: true })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]!.delta.content ?? ''
    expect(text.length).toBeGreaterThan(20)
  })
})

describe('the practice provider', () => {
  it('says what it is, and whose price is charged', async () => {
    const { data, response } = await account.client.chat.completions
      .create({ model: 'advanced', messages: ask('Say hello in five words.') })
      .withResponse()
    expect(data.model).toBe('practice/plain')
    expect(data).toMatchObject({
      system_fingerprint: 'practice',
      tollgate: { provider: 'practice', model: 'practice/plain' },
    })
    expect(response.headers.get('x-tollgate-provider')).toBe('practice')
    expect(data.choices[0]!.message.content!.split(' ')).toHaveLength(5)
  })

  it('runs tools to their end', async () => {
    const calls: unknown[] = []
    const run = (stream: boolean) =>
      account.client.chat.completions.runTools({
        model: 'practice/plain',
        stream: stream as never,
        messages: ask('Please get weather for Oslo.'),
        tools: [
          {
            ...weather,
            function: {
              ...weather.function,
              parse: JSON.parse,
              function: (given: unknown) => (calls.push(given), 'sunny'),
            },
          },
        ] as never,
      })
    for (const stream of [false, true]) {
      const runner = run(stream)
      expect((await runner.finalContent())!.length).toBeGreaterThan(20)
    }
    expect(calls).toHaveLength(2)
    expect(calls[0]).toMatchObject({
      city: expect.any(String),
      unit: expect.stringMatching(/^[CF]$/),
      days: expect.any(Number),
    })
  })

  it('honours n, max_tokens, stop, tool_choice and a schema', async () => {
    const create = (request: object) =>
      account.client.chat.completions.create({ model: 'practice/plain', messages: ask('Write 500 words.'), ...request })
    const several = await create({ n: 3 })
    expect(several.choices).toHaveLength(3)
    expect(new Set(several.choices.map(({ message }) => message.content)).size).toBe(3)
    const short = await create({ max_tokens: 7 })
    expect(short).toMatchObject({ usage: { completion_tokens: 7 }, choices: [{ finish_reason: 'length' }] })
    expect((await create({ stop: ['.'] })).choices[0]!.message.content).not.toContain('.')
    const named = await create({
      tools: [weather],
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
    })
    expect(named.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [{ function: { name: 'get_weather' } }] },
    })
    const schema = { type: 'object', properties: { answer: { type: 'array', items: { type: 'boolean' } } } }
    const shaped = await create({ response_format: { type: 'json_schema', json_schema: { name: 's', schema } } })
    expect(JSON.parse(shaped.choices[0]!.message.content!)).toMatchObject({ answer: [expect.any(Boolean)] })
  })

  it('gives the same request the same answer, streamed or not, and counts the same', async () => {
    const request = { model: 'practice/plain', messages: ask('Write 120 words about ünïcode and 漢字.') }
    const whole = await account.client.chat.completions.create(request)
    const chunks = await collect(
      await account.client.chat.completions.create({
        ...request,
        stream: true,
        stream_options: { include_usage: true },
      }),
    )
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
      whole.choices[0]!.message.content,
    )
    expect(chunks.at(-1)!.usage).toEqual(whole.usage)
  })

  it('stops at once when the caller leaves', async () => {
    const control = new AbortController()
    const stream = await account.client.chat.completions.create(
      { model: 'practice/plain', messages: ask('Write 50000 words.'), stream: true },
      { signal: control.signal },
    )
    for await (const chunk of stream) {
      if (chunk.choices[0]!.delta.content) control.abort()
    }
    const receipts = async () => (await stand.receipts(account)).filter(({ detail }) => detail?.outcome === 'abandoned')
    while ((await receipts()).length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect((await receipts())[0]!.quantities.outputTokens).toBeLessThan(20_000)
  })
})

describe('models', () => {
  it('are listed and found', async () => {
    const listed = (await collect(account.client.models.list())).map(({ id }) => id)
    expect(listed).toEqual(expect.arrayContaining(['fast', 'standard', 'advanced', 'employee', 'mock/plain']))
    expect(await account.client.models.retrieve('mock/plain')).toMatchObject({ id: 'mock/plain', owned_by: 'mock' })
    await expect(account.client.models.retrieve('none/such')).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    })
  })
})
