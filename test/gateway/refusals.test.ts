import { Readable } from 'node:stream'
import { Hono, type MiddlewareHandler } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createChat } from '../../gateway/chat-routes.ts'
import { createLearned } from '../../gateway/learn.ts'
import { requestId } from '../../gateway/request-id.ts'
import { LedgerUnavailable } from '../../ledger/ledger.ts'
import { inputTokens } from './mock-upstream.ts'
import { openStand, prices, says, type Stand } from './stand.ts'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
})
afterAll(() => stand.close())

const card = (id: string, change = {}) => ({
  id,
  name: id,
  organization: 'org-1',
  tier: 'advanced',
  model: '',
  archived: false,
  ...change,
})
const errorOf = async (
  response: Response,
): Promise<{ status: number; retry: string | null; error: Record<string, unknown> }> => {
  const body = (await response.json()) as { error: Record<string, unknown> }
  return { status: response.status, retry: response.headers.get('x-should-retry'), error: body.error }
}

describe('bad input is refused before anything is reserved', () => {
  const messages = says({})
  it.each([
    {
      name: 'malformed JSON, with its place',
      body: '{"model": "mock/plain",\n "messages": [}',
      status: 400,
      code: 'malformed_json',
      message: 'line 2, column 15',
    },
    { name: 'an empty body', body: '', status: 400, code: 'malformed_json', message: 'line 1' },
    { name: 'a body that is no object', body: '[]', status: 400, code: 'invalid_request', message: 'expected object' },
    { name: 'no messages', body: '{"model":"mock/plain"}', status: 400, code: 'invalid_request', message: 'messages' },
    {
      name: 'empty messages',
      body: '{"model":"mock/plain","messages":[]}',
      status: 400,
      code: 'invalid_request',
      message: 'messages',
    },
    {
      name: 'a message that is none',
      body: '{"model":"mock/plain","messages":["hello"]}',
      status: 400,
      code: 'invalid_request',
      message: 'messages.0',
    },
    {
      name: 'n = 0',
      body: JSON.stringify({ model: 'mock/plain', messages, n: 0 }),
      status: 400,
      code: 'invalid_request',
      message: 'n:',
    },
    {
      name: 'a negative limit',
      body: JSON.stringify({ model: 'mock/plain', messages, max_tokens: -1 }),
      status: 400,
      code: 'invalid_request',
      message: 'max_tokens',
    },
    {
      name: 'a limit of nothing, which some providers take for none',
      body: JSON.stringify({ model: 'mock/plain', messages, max_tokens: 0 }),
      status: 400,
      code: 'invalid_request',
      message: 'max_tokens',
    },
    {
      name: 'a service tier that costs more than the price list says',
      body: JSON.stringify({ model: 'mock/plain', messages, service_tier: 'priority' }),
      status: 400,
      code: 'invalid_request',
      message: 'service_tier',
    },
    {
      name: 'a model whose name would break usage rows',
      body: JSON.stringify({ model: 'ollama/a|b', messages }),
      status: 400,
      code: 'invalid_request',
      message: 'model',
    },
    {
      name: 'a model whose name no header can carry',
      body: JSON.stringify({ model: 'ollama/模型', messages }),
      status: 400,
      code: 'invalid_request',
      message: 'model',
    },
    {
      name: 'brackets without end',
      body: '['.repeat(100_000),
      status: 400,
      code: 'malformed_json',
      message: 'nested too deep',
    },
    {
      name: 'nesting without measure',
      body: `{"model":"mock/plain","messages":[{"role":"user","content":${'['.repeat(50_000)}${']'.repeat(50_000)}}]}`,
      status: 400,
      code: 'malformed_json',
      message: 'nested',
    },
    {
      name: 'an unknown model',
      body: JSON.stringify({ model: 'no-such-model', messages }),
      status: 404,
      code: 'model_not_found',
      message: 'no-such-model',
    },
    {
      name: 'a model without a price',
      body: JSON.stringify({ model: 'mock/hidden-cost', messages }),
      status: 404,
      code: 'model_not_found',
      message: 'mock/hidden-cost',
    },
    {
      name: 'employee without an employee',
      body: JSON.stringify({ model: 'employee', messages }),
      status: 404,
      code: 'model_not_found',
      message: 'x-tollgate-employee',
    },
  ])('$name', async ({ body, status, code, message }) => {
    const account = await stand.account({ credits: 10 })
    const before = stand.upstream.calls.length
    const refusal = await errorOf(await account.fetch('/v1/chat/completions', { method: 'POST', body }))
    expect(refusal).toMatchObject({
      status,
      retry: 'false',
      error: { code, message: expect.stringContaining(message) },
    })
    expect(refusal.error['message']).toMatch(new RegExp(`^${code}: `))
    expect(stand.upstream.calls).toHaveLength(before)
    expect(await account.figures()).toMatchObject({ held: 0, spent: 0 })
  })

  it('a model that the price list has and cannot price', async () => {
    const unpriced = await openStand({
      change: { priceBook: { version: 'v', ratesOf: () => undefined, knows: () => true } },
    })
    const account = await unpriced.account({ credits: 10 })
    await expect(account.client.chat.completions.create({ model: 'mock/plain', messages })).rejects.toMatchObject({
      status: 400,
      code: 'model_not_priced',
    })
    await unpriced.close()
  })

  it('a 20 MB body, declared or not, is refused while it is being read', async () => {
    const account = await stand.account({ credits: 10 })
    const declared = await account
      .fetch('/v1/chat/completions', { method: 'POST', body: 'x'.repeat(20 * 1024 * 1024) })
      .then(errorOf, () => 'cut')
    expect([
      { status: 413, retry: 'false', error: expect.objectContaining({ code: 'body_too_large' }) },
      'cut',
    ]).toContainEqual(declared)
    let sent = 0
    // What lies between client and gateway may take in some megabytes
    const endlessly = 1024 * 1024 * 1024
    const endless = Readable.toWeb(
      Readable.from(
        (function* () {
          for (; sent < endlessly; sent += 65_536) yield Buffer.alloc(65_536, 'x')
        })(),
      ),
    )
    const chunked = await account
      .fetch('/v1/chat/completions', { method: 'POST', body: endless as never, duplex: 'half' } as RequestInit as never)
      .then(errorOf, () => 'cut')
    expect([
      { status: 413, retry: 'false', error: expect.objectContaining({ code: 'body_too_large' }) },
      'cut',
    ]).toContainEqual(chunked)
    expect(sent).toBeLessThan(endlessly)
  })
})

describe('keys', () => {
  it.each([
    { name: 'missing', header: '', code: 'missing_api_key', status: 401 },
    { name: 'no bearer', header: 'Basic abc', code: 'missing_api_key', status: 401 },
    { name: 'wrong', header: 'Bearer sk-wrong', code: 'invalid_api_key', status: 401 },
    { name: 'revoked', header: 'Bearer sk-revoked', code: 'revoked_api_key', status: 401 },
  ])('$name', async ({ header, code, status }) => {
    for (const path of ['/v1/chat/completions', '/v1/models']) {
      const response = await fetch(`${stand.url}${path}`, {
        method: path.endsWith('models') ? 'GET' : 'POST',
        headers: header === '' ? {} : { authorization: header },
      })
      expect(await errorOf(response)).toMatchObject({ status, retry: 'false', error: { code } })
    }
  })

  it('that cannot be checked now are 503, never 401', async () => {
    const blind = await openStand({ change: { keyRing: { find: () => Promise.resolve('unavailable') } } })
    const response = await fetch(`${blind.url}/v1/models`, { headers: { authorization: 'Bearer sk-any' } })
    expect(response.headers.get('retry-after')).toBe('2')
    expect(await errorOf(response)).toMatchObject({ status: 503, retry: 'true', error: { code: 'keys_unavailable' } })
    await blind.close()
  })

  it('of an account that does not exist', async () => {
    const account = await stand.account({ credits: 1, key: { accountId: 'acct-nobody' } })
    await expect(
      account.client.chat.completions.create({ model: 'mock/plain', messages: says({}) }),
    ).rejects.toMatchObject({ status: 403, code: 'account_unknown' })
  })
})

describe('the three kinds of 402', () => {
  it('credits_depleted: nothing is left', async () => {
    const account = await stand.account({ credits: 0 })
    await expect(
      account.client.chat.completions.create({ model: 'mock/plain', messages: says({}) }),
    ).rejects.toMatchObject({
      status: 402,
      code: 'credits_depleted',
      message: expect.stringContaining('credits_depleted'),
    })
  })

  it('insufficient_credits: says what would fit', async () => {
    const account = await stand.account({ credits: 0.2 })
    const refusal = await account.client.chat.completions.create({ model: 'mock/plain', messages: says({}) }).then(
      () => undefined,
      (error: unknown) => error as { error: { maxTokens: number } },
    )
    expect(refusal).toMatchObject({
      status: 402,
      code: 'insufficient_credits',
      error: { availableMicro: 200_000, maxTokens: expect.any(Number) },
    })
    const fits = await account.client.chat.completions.create({
      model: 'mock/plain',
      messages: says({ tokens: 1_000 }),
      max_tokens: refusal!.error.maxTokens,
    })
    expect(fits.usage!.completion_tokens).toBe(refusal!.error.maxTokens)
  })

  it('budget_exhausted: names the level; nothing is held anywhere', async () => {
    const budgets = [
      { level: 'employee:ann', limit: 1_000 as never, window: 'day' as const, atLimit: 'pause' as const },
    ]
    const account = await stand.account({ credits: 100, budgets, employees: [card('ann')] })
    const call = account.client.chat.completions.create(
      { model: 'mock/plain', messages: says({}) },
      { headers: { 'x-tollgate-employee': 'ann' } },
    )
    await expect(call).rejects.toMatchObject({
      status: 402,
      code: 'budget_exhausted',
      message: expect.stringContaining('employee:ann'),
      error: { level: 'employee:ann' },
    })
    expect(await account.figures()).toMatchObject({ held: 0, spent: 0 })
  })

  it('one request each from a stock client that retries', async () => {
    const account = await stand.account({ credits: 0 })
    const before = stand.observed.length
    await expect(
      account.client
        .withOptions({ maxRetries: 2 })
        .chat.completions.create({ model: 'mock/plain', messages: says({}) }),
    ).rejects.toMatchObject({ status: 402 })
    expect(stand.observed.slice(before).map(({ outcome }) => outcome)).toEqual(['credits_depleted'])
  })
})

describe('attribution', () => {
  it('books a call to the employee, its organization, message and purpose', async () => {
    const account = await stand.account({ credits: 100, employees: [card('ann')] })
    const headers = {
      'x-tollgate-employee': 'ann',
      'x-tollgate-message': 'msg-1',
      'x-tollgate-purpose': 'internal:safety',
    }
    await account.client.chat.completions.create({ model: 'mock/plain', messages: says({}) }, { headers })
    expect(await stand.receipts(account)).toMatchObject([
      { row: 'internal|fast|mock/plain|safety|ann|org-1', detail: { messageId: 'msg-1', purpose: 'internal:safety' } },
    ])
  })

  it('`employee` is the tier of the employee that is named', async () => {
    const account = await stand.account({
      credits: 100,
      employees: [card('ann'), card('bob', { model: 'mock/plain' })],
    })
    const modelOf = async (employee: string) =>
      (
        await account.client.chat.completions
          .create({ model: 'employee', messages: says({}) }, { headers: { 'x-tollgate-employee': employee } })
          .withResponse()
      ).response.headers.get('x-tollgate-model')
    expect(await modelOf('ann')).toBe('practice/plain')
    expect(await modelOf('bob')).toBe('mock/plain')
  })

  it('a new employee is created on first use where the key allows it', async () => {
    const account = await stand.account({ credits: 100, key: { createsEmployees: true } })
    const call = () =>
      account.client.chat.completions.create(
        { model: 'mock/plain', messages: says({}) },
        { headers: { 'x-tollgate-employee': 'new', 'x-tollgate-organization': 'org-2' } },
      )
    await Promise.all([call(), call()])
    expect(stand.createdEmployees.filter(({ id }) => id === 'new')).toEqual([{ id: 'new', organization: 'org-2' }])
  })

  const forbidden = { employee: false, organization: false, message: false, purpose: false }
  it.each([
    {
      name: 'a header that the key may not send',
      key: { mayName: forbidden },
      headers: { 'x-tollgate-organization': 'org-1' },
    },
    {
      name: 'an employee outside the key’s list',
      key: { employees: ['ann'] },
      headers: { 'x-tollgate-employee': 'bob' },
    },
    { name: 'no employee, where the key is for several', key: { employees: ['ann', 'bob'] }, headers: {} },
    { name: 'an employee that does not exist', key: {}, headers: { 'x-tollgate-employee': 'nobody' } },
    { name: 'an archived employee', key: {}, headers: { 'x-tollgate-employee': 'old' } },
  ])('$name is refused', async ({ key, headers }) => {
    const account = await stand.account({
      credits: 100,
      key,
      employees: [card('ann'), card('bob'), card('old', { archived: true })],
    })
    await expect(
      account.client.chat.completions.create({ model: 'mock/plain', messages: says({}) }, { headers }),
    ).rejects.toMatchObject({ status: 403, code: 'attribution_not_allowed' })
  })

  it.each([
    { name: 'an unknown purpose', headers: { 'x-tollgate-purpose': 'fun' } },
    { name: 'a name that breaks rows', headers: { 'x-tollgate-employee': 'a|b' } },
    { name: 'a name without end', headers: { 'x-tollgate-message': 'm'.repeat(129) } },
  ])('$name is no request', async ({ headers }) => {
    const account = await stand.account({ credits: 100 })
    await expect(
      account.client.chat.completions.create({ model: 'mock/plain', messages: says({}) }, { headers }),
    ).rejects.toMatchObject({ status: 400, code: 'invalid_request', param: Object.keys(headers)[0] })
  })

  it('a key for one employee books to it without a header', async () => {
    const account = await stand.account({
      credits: 100,
      key: { employees: ['ann'], mayName: forbidden },
      employees: [card('ann')],
    })
    await account.client.chat.completions.create({ model: 'mock/plain', messages: says({}) })
    expect(await stand.receipts(account)).toMatchObject([{ row: 'ai_usage|fast|mock/plain||ann|org-1' }])
  })
})

describe('without a ledger', () => {
  it('nothing is spent: 503, to be retried, and the upstream hears nothing', async () => {
    const broken = await openStand({
      wrapLedger: (ledger) => ({
        ...ledger,
        reserve: () => Promise.reject(new LedgerUnavailable('down')),
        release: () => Promise.reject(new LedgerUnavailable('down')),
      }),
    })
    const account = await broken.account({ credits: 100 })
    for (const stream of [true, false]) {
      const call = account.client.chat.completions.create({ model: 'mock/plain', messages: says({}), stream })
      await expect(call).rejects.toMatchObject({ status: 503, code: 'ledger_unavailable' })
    }
    expect(broken.upstream.calls).toHaveLength(0)
    await broken.close()
  })

  it('a settlement waits until it comes back, and is made once', async () => {
    let failures = 3
    const flaky = await openStand({
      wrapLedger: (ledger) => ({
        ...ledger,
        settle: (request, evidence) =>
          failures-- > 0 ? Promise.reject(new LedgerUnavailable('away')) : ledger.settle(request, evidence),
      }),
    })
    const account = await flaky.account({ credits: 100 })
    await account.client.chat.completions.create({ model: 'mock/plain', messages: says({ tokens: 5 }) })
    expect(await flaky.receipts(account)).toMatchObject([{ charged: inputTokens * prices.input + 5 * prices.output }])
    await flaky.close()
  })
})

it('a call that breaks on our side holds nothing afterwards, and its idempotency key is free', async () => {
  let broken = true
  const faulty = await openStand({
    change: {
      learned: {
        ...createLearned(),
        outputBytesPerToken: () => {
          if (broken) throw new Error('a bug')
          return 3
        },
      },
    },
  })
  const account = await faulty.account({ credits: 10 })
  const call = () =>
    account.client.chat.completions.create(
      { model: 'mock/plain', messages: says({}), stream: true },
      { headers: { 'idempotency-key': 'one' } },
    )
  await expect(call()).rejects.toMatchObject({ status: 500, code: 'internal_error' })
  expect(await faulty.receipts(account)).toMatchObject([{ charged: 0 }])
  expect(await account.figures()).toMatchObject({ held: 0, spent: 0 })
  broken = false
  for await (const chunk of await call()) expect(chunk.choices).toHaveLength(1)
  await faulty.close()
})

it('the request id that a caller was told finds the error in the log', async () => {
  const logged: object[] = []
  const app = new Hono()
  app.use(requestId() as MiddlewareHandler)
  app.route(
    '/',
    createChat({
      ...stand.deps,
      keyRing: { find: () => Promise.reject(new TypeError('a bug')) },
      log: { warn: () => undefined, error: (fields) => void logged.push(fields) },
    }).routes,
  )
  const answer = await app.request('/v1/models', {
    headers: { authorization: 'Bearer sk-any', 'x-request-id': 'told-to-caller' },
  })
  expect([answer.status, answer.headers.get('x-request-id')]).toEqual([500, 'told-to-caller'])
  expect(logged).toMatchObject([{ requestId: 'told-to-caller', err: { message: 'a bug' } }])
})
