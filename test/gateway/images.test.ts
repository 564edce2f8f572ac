import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inflateSync } from 'node:zlib'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Micro, microPerCredit } from '../../credits/money.ts'
import { createChat } from '../../gateway/chat-routes.ts'
import { requestId } from '../../gateway/request-id.ts'
import type { ApiEnv } from '../../gateway/route.ts'
import { until } from '../stack/until.ts'
import type { Script } from './mock-upstream.ts'
import { type Account, catalogue, openStand, type Stand } from './stand.ts'

let stand: Stand
/** The accrued amounts that holds were extended with, beside renewals. */
const armed: Micro[] = []
beforeAll(async () => {
  stand = await openStand({
    wrapLedger: (ledger) => ({
      ...ledger,
      extend: (request) => {
        if (request.accrued > 0) armed.push(request.accrued)
        return ledger.extend(request)
      },
    }),
  })
})
afterAll(() => stand.close())

const standard = 4 * microPerCredit
const hd = 8 * microPerCredit
const prompt = (script: Script): string => JSON.stringify(script)

const spentOf = async (account: Account): Promise<number> => {
  await stand.gate.settled()
  const { spent, held } = await account.figures()
  expect(held).toBe(0)
  return spent
}
const post = (account: Account, request: object, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  account.fetch('/v1/images/generations', {
    method: 'POST',
    headers,
    body: JSON.stringify(request),
    ...(signal === undefined ? {} : { signal }),
  })
const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { error: { code: string } }).error.code

describe('images', () => {
  it('reach the stock client, and each is charged', async () => {
    const account = await stand.account({ credits: 100 })
    const { data, response } = await account.client.images.generate({ prompt: prompt({}), n: 3 }).withResponse()
    expect(data.data).toHaveLength(3)
    expect(data.data![0]!.b64_json).toHaveLength(40)
    expect(data).toMatchObject({
      tollgate: {
        credits: '12',
        microCredits: 3 * standard,
        model: 'mock/image',
        provider: 'mock',
        pricedAs: 'image.standard',
        priceVersion: catalogue.version,
        estimated: false,
      },
    })
    expect(response.headers.get('x-tollgate-credits')).toBe('12')
    expect(response.headers.get('x-tollgate-model')).toBe('mock/image')
    expect(response.headers.has('x-tollgate-stands-for')).toBe(false)
    expect(await spentOf(account)).toBe(3 * standard)
    expect(await stand.receipts(account)).toMatchObject([
      {
        id: response.headers.get('x-tollgate-receipt'),
        row: 'tool_calls||mock/image|image.standard||',
        charged: 3 * standard,
        quantities: { units: 3, inputTokens: 0, outputTokens: 0 },
        detail: {
          provider: 'mock',
          pricedAs: 'image.standard',
          outcome: 'finished',
          lines: [{ kind: 'fixed', quantity: 3, unit: 'image', rate: String(standard), amount: 3 * standard }],
        },
      },
    ])
  })

  it.each([
    [undefined, standard],
    [null, standard],
    ['standard', standard],
    ['auto', standard],
    ['low', standard],
    ['medium', standard],
    ['constructor', standard],
    ['hd', hd],
    ['high', hd],
  ])('of quality %s cost what that quality costs', async (quality, price) => {
    const account = await stand.account({ credits: 100 })
    await account.client.images.generate({ prompt: prompt({}), n: 2, quality: quality as 'hd' })
    expect(await spentOf(account)).toBe(2 * price)
    const item = price === hd ? 'image.hd' : 'image.standard'
    expect(await stand.receipts(account)).toMatchObject([{ row: `tool_calls||mock/image|${item}||` }])
  })

  it.each([
    ['two of four failed', { images: 2 }, 2],
    ['two of four are listed as failed', { images: 2, failures: 2 }, 2],
    ['more came than were asked for', { images: 6 }, 4],
  ])('are charged by what was delivered: %s', async (_what, script, charged) => {
    const account = await stand.account({ credits: 100 })
    await account.client.images.generate({ prompt: prompt(script), n: 4 })
    expect(await spentOf(account)).toBe(charged * standard)
    expect(await stand.receipts(account)).toMatchObject([
      { charged: charged * standard, quantities: { units: charged } },
    ])
  })

  it('pass unknown fields both ways', async () => {
    const account = await stand.account({ credits: 100 })
    const request = { prompt: prompt({}), model: 'mock/image', size: '512x512', n: null, x_future: { a: [1] } }
    const started = stand.upstream.calls.length
    const answer = (await (await post(account, request)).json()) as Record<string, unknown>
    expect(stand.upstream.calls[started]).toMatchObject({ authorization: 'Bearer key-of-mock' })
    expect(stand.upstream.calls[started]!.body).toEqual({ ...request, model: 'image' })
    expect(answer).toMatchObject({ x_unknown: 'kept', data: [{ x_unknown: 0 }] })
  })

  it('and refusals of them name their request', async () => {
    const account = await stand.account({ credits: 5 })
    const app = new Hono<ApiEnv>().use(requestId()).route('/', createChat(stand.deps).routes)
    const server = createServer(getRequestListener(app.fetch))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    for (const [n, status] of [
      [2, 402],
      [1, 200],
    ]) {
      const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/images/generations`, {
        method: 'POST',
        headers: { authorization: `Bearer ${account.secret}`, 'x-request-id': `request-of-${n}` },
        body: JSON.stringify({ prompt: prompt({}), n }),
      })
      expect([response.status, response.headers.get('x-request-id')]).toEqual([status, `request-of-${n}`])
    }
    server.closeAllConnections()
    server.close()
  })

  it('are booked to whom the headers name, behind-the-scenes work too', async () => {
    const card = { id: 'ada', name: 'Ada', organization: 'acme', tier: 'fast', model: '', archived: false }
    const account = await stand.account({ credits: 100, employees: [card] })
    await post(
      account,
      { prompt: prompt({}) },
      { 'x-tollgate-employee': 'ada', 'x-tollgate-message': 'm1', 'x-tollgate-purpose': 'internal:memory' },
    )
    expect(await stand.receipts(account)).toMatchObject([
      {
        row: 'tool_calls||mock/image|image.standard|ada|acme',
        detail: { messageId: 'm1', purpose: 'internal:memory' },
      },
    ])
  })
})

describe('a refusal reaches no provider and charges nothing', () => {
  it.each([
    ['credits_depleted', 402, 0, {}, {}],
    ['insufficient_credits', 402, 9, { n: 3 }, { neededMicro: 12e6, availableMicro: 9e6, maxImages: 2 }],
    ['insufficient_credits', 402, 3, {}, { maxImages: 0 }],
    ['insufficient_credits', 402, 15, { n: 2, quality: 'hd' }, { neededMicro: 16e6, maxImages: 1 }],
    ['invalid_request', 400, 100, { n: 0 }, { param: 'n' }],
    ['invalid_request', 400, 100, { n: 11 }, { param: 'n' }],
    ['invalid_request', 400, 100, { n: 1.5 }, { param: 'n' }],
    ['invalid_request', 400, 100, { prompt: '' }, { param: 'prompt' }],
    ['invalid_request', 400, 100, { prompt: undefined }, { param: 'prompt' }],
    ['invalid_request', 400, 100, { response_format: 'png' }, { param: 'response_format' }],
    ['invalid_request', 400, 100, { stream: true }, { param: 'stream' }],
    ['model_not_found', 404, 100, { model: 'mock/plain' }, { param: 'model' }],
    ['model_not_found', 404, 100, { model: 'fast' }, { param: 'model' }],
  ])('%s (%i) with %i credits for %j', async (code, status, credits, request, fields) => {
    const account = await stand.account({ credits })
    const heard = stand.upstream.calls.length
    const response = await post(account, { prompt: prompt({}), ...request })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code, ...fields } })
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(stand.upstream.calls).toHaveLength(heard)
    expect(await spentOf(account)).toBe(0)
    expect(await stand.receipts(account)).toEqual([])
  })

  it('says how many images would fit, and that many do', async () => {
    const account = await stand.account({ credits: 9 })
    await expect(account.client.images.generate({ prompt: prompt({}), n: 3 })).rejects.toThrow('n: 2 would fit')
    await account.client.images.generate({ prompt: prompt({}), n: 2 })
    expect(await spentOf(account)).toBe(2 * standard)
  })

  it('of an exhausted budget', async () => {
    const budget = {
      level: 'employee:ada',
      limit: (5 * microPerCredit) as Micro,
      window: 'total',
      atLimit: 'stop',
    } as const
    const card = { id: 'ada', name: 'Ada', organization: '', tier: 'fast', model: '', archived: false }
    const account = await stand.account({ credits: 100, budgets: [budget], employees: [card] })
    const asAda = (n: number) => post(account, { prompt: prompt({}), n }, { 'x-tollgate-employee': 'ada' })
    expect(await codeOf(await asAda(2))).toBe('budget_exhausted')
    expect((await asAda(1)).status).toBe(200)
    expect(await spentOf(account)).toBe(standard)
  })

  it('of a wrong key, in the shape of OpenAI', async () => {
    const account = await stand.account({ credits: 100 })
    const response = await post(account, { prompt: 'x' }, { authorization: 'Bearer sk-wrong' })
    expect([response.status, await codeOf(response)]).toEqual([401, 'invalid_api_key'])
  })
})

describe('a provider that fails costs nothing', () => {
  it.each([
    ['an error', { status: 500 }, 500],
    ['a refusal of the prompt', { status: 400 }, 400],
    ["a refusal of the gateway's own key", { status: 401 }, 502],
    ['no image', { images: 0, failures: 2 }, 502],
    ['an answer that breaks off', { cutAfter: 0 }, 502],
  ])('%s', async (_what, script, status) => {
    const account = await stand.account({ credits: 100 })
    const send = () => post(account, { prompt: prompt(script), n: 2 }, { 'idempotency-key': 'same' })
    expect((await send()).status).toBe(status)
    expect(await spentOf(account)).toBe(0)
    expect(await stand.receipts(account)).toMatchObject([
      { charged: 0, quantities: { units: 0 }, detail: { outcome: 'failed', lines: [] } },
    ])
    // Its key may be used again.
    const heard = stand.upstream.calls.length
    await until(async () => (await send()).status === status)
    expect(stand.upstream.calls.length).toBeGreaterThan(heard)
  })

  it('and the next of the list makes them, on the same hold; the practice provider never does', async () => {
    const models = ['down/image', 'second/image', 'practice/image']
    const other = await openStand({ change: { catalogue: { ...catalogue, images: { ...catalogue.images, models } } } })
    const account = await other.account({ credits: 100 })
    const made = await account.client.images.generate({ prompt: prompt({}) })
    expect(made).toMatchObject({ tollgate: { model: 'second/image' } })
    await expect(account.client.images.generate({ prompt: prompt({ status: 429 }) })).rejects.toMatchObject({
      status: 429,
    })
    await expect(account.client.images.generate({ prompt: 'x', model: 'down/image' })).rejects.toMatchObject({
      status: 502,
      code: 'upstream_failed',
    })
    expect(await other.receipts(account)).toMatchObject([
      { row: 'tool_calls||second/image|image.standard||', charged: standard },
      { charged: 0 },
      { charged: 0 },
    ])
    await other.close()
  })
})

describe('a caller who hangs up', () => {
  it('pays for what the provider delivered, and hears it with the same key', async () => {
    const account = await stand.account({ credits: 100 })
    const request = { prompt: prompt({ waitAfter: 0, images: 2 }), n: 3 }
    const key = { 'idempotency-key': randomUUID() }
    const control = new AbortController()
    const started = stand.upstream.calls.length
    const left = post(account, request, key, control.signal)
    const call = await stand.upstream.call(started)
    control.abort()
    await expect(left).rejects.toThrow('abort')
    await until(async () => (await stand.connections()) === 0)
    call.release()
    await call.ended
    expect(call.aborted).toBe(false)
    await until(async () => (await stand.receipts(account)).length === 1)
    expect(await stand.receipts(account)).toMatchObject([
      { charged: 2 * standard, quantities: { units: 2 }, detail: { outcome: 'abandoned' } },
    ])
    let again = await post(account, request, key)
    await until(async () => again.status === 200 || ((again = await post(account, request, key)), false))
    expect(again.headers.get('x-tollgate-replayed')).toBe('true')
    expect(((await again.json()) as { data: unknown[] }).data).toHaveLength(2)
    expect(await spentOf(account)).toBe(2 * standard)
    expect(stand.upstream.calls).toHaveLength(started + 1)
  })
})

describe('a gateway that dies', () => {
  it('leaves images charged only once a provider has begun to answer with them', async () => {
    const account = await stand.account({ credits: 100 })
    armed.length = 0
    const started = stand.upstream.calls.length
    const waiting = account.client.images.generate({ prompt: prompt({ waitAfter: 0 }), n: 2 })
    const first = await stand.upstream.call(started)
    const asked = { armed: [...armed], held: (await account.figures()).held }
    first.release()
    await waiting
    expect(asked).toEqual({ armed: [], held: 2 * standard })
    expect(armed).toEqual([2 * standard])
    const begun = account.client.images.generate({ prompt: prompt({ waitAfter: 0, headFirst: true, images: 1 }), n: 3 })
    const second = await stand.upstream.call(started + 1)
    await until(async () => armed.length === 2)
    expect(armed[1]).toBe(3 * standard)
    second.release()
    await begun
    // What was armed is a bound, not the charge.
    expect(await spentOf(account)).toBe(3 * standard)
  })
})

describe('an idempotency key', () => {
  it('gives the same images again, uncharged; another request is a conflict', async () => {
    const account = await stand.account({ credits: 100 })
    const key = { 'idempotency-key': randomUUID() }
    const request = { prompt: prompt({}), n: 2 }
    const first = await post(account, request, key)
    const text = await first.text()
    const heard = stand.upstream.calls.length
    const second = await post(account, request, key)
    expect(await second.text()).toBe(text)
    expect(second.headers.get('x-tollgate-replayed')).toBe('true')
    expect(await codeOf(await post(account, { ...request, n: 3 }, key))).toBe('idempotency_conflict')
    expect(stand.upstream.calls).toHaveLength(heard)
    expect(await spentOf(account)).toBe(2 * standard)
  })

  it('of images above 256 kB is remembered: they are not made and not charged again', async () => {
    const account = await stand.account({ credits: 100 })
    const key = { 'idempotency-key': randomUUID() }
    const request = { prompt: prompt({ imageBytes: 300_000 }) }
    const first = (await (await post(account, request, key)).json()) as { data: { b64_json: string }[] }
    expect(first.data[0]!.b64_json).toHaveLength(300_000)
    const heard = stand.upstream.calls.length
    const again = await post(account, request, key)
    expect([again.status, again.headers.get('x-should-retry'), await codeOf(again)]).toEqual([
      409,
      'false',
      'answer_not_kept',
    ])
    expect(stand.upstream.calls).toHaveLength(heard)
    expect(await spentOf(account)).toBe(standard)
  })
})

it('receipts of many images at once sum to what was spent', async () => {
  const account = await stand.account({ credits: 60 })
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      post(account, {
        prompt: prompt(index % 4 === 0 ? { status: 500 } : { images: index % 3 }),
        n: 2,
        quality: index % 2 === 0 ? 'hd' : 'standard',
      }),
    ),
  )
  const costs = answers.map(({ headers }) => Number(headers.get('x-tollgate-credits') ?? 0) * microPerCredit)
  const receipts = await stand.receipts(account)
  const sumOf = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0)
  const spent = await spentOf(account)
  expect(spent).toBeGreaterThan(0)
  expect(spent).toBeLessThanOrEqual(60 * microPerCredit)
  expect(sumOf(receipts.map(({ charged }) => charged))).toBe(spent)
  expect(sumOf(costs)).toBe(spent)
  for (const { charged, detail } of receipts) expect(sumOf(detail!.lines.map(({ amount }) => amount))).toBe(charged)
})

describe('the practice provider', () => {
  it('draws small pictures, the same for the same request, charged like any other', async () => {
    const account = await stand.account({ credits: 100 })
    const draw = (more: object) =>
      account.client.images.generate({ model: 'practice/image', prompt: 'a lighthouse', n: 2, ...more })
    const first = await draw({})
    const pictures = first.data!.map(({ b64_json }) => Buffer.from(b64_json!, 'base64'))
    expect(new Set(pictures.map(String)).size).toBe(2)
    for (const png of pictures) {
      expect(png.subarray(1, 4).toString()).toBe('PNG')
      expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([64, 64])
      const length = png.readUInt32BE(33)
      expect(inflateSync(png.subarray(41, 41 + length))).toHaveLength(64 * (1 + 3 * 64))
    }
    expect((await draw({})).data).toEqual(first.data)
    const linked = await draw({ response_format: 'url' })
    expect(linked.data![0]!.url).toBe(`data:image/png;base64,${first.data![0]!.b64_json}`)
    expect(await spentOf(account)).toBe(6 * standard)
  })

  it('fails at as many as the prompt says', async () => {
    const account = await stand.account({ credits: 100 })
    const draw = (prompt: string) => account.client.images.generate({ model: 'practice/image', prompt, n: 4 })
    expect((await draw('a lighthouse, fail 2')).data).toHaveLength(2)
    await expect(draw('fail 4')).rejects.toMatchObject({ status: 502, code: 'upstream_failed' })
    expect(await spentOf(account)).toBe(2 * standard)
  })

  it('is what answers without a key to any provider, also under the bare name of the model', async () => {
    const alone = await openStand({ change: { usable: (id) => id === 'practice' } })
    const account = await alone.account({ credits: 100 })
    for (const model of [undefined, 'image']) {
      const made = await account.client.images.generate({ prompt: 'a boat', ...(model === undefined ? {} : { model }) })
      expect(made).toMatchObject({ tollgate: { provider: 'practice', model: 'practice/image' } })
    }
    const listed = (await (await account.fetch('/v1/models')).json()) as { data: { id: string }[] }
    expect(listed.data.filter(({ id }) => id.endsWith('/image')).map(({ id }) => id)).toEqual(['practice/image'])
    await alone.close()
  })
})
