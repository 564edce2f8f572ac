import { randomUUID } from 'node:crypto'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect, openStand, says, type Account, type Stand } from './stand.ts'

const serviceKey = `service-${randomUUID()}`
const logged: string[] = []
const log = { warn: note, error: note }
let stand: Stand
let first: Account
let second: Account
beforeAll(async () => {
  stand = await openStand({ change: { serviceKey, log } })
  first = await stand.account({ credits: 100 })
  second = await stand.account({ credits: 100 })
})
afterAll(() => stand.close())

function note(fields: object, message: string): void {
  logged.push(
    `${message} ${JSON.stringify(fields, (_, value: unknown) => (value instanceof Error ? value.stack : value))}`,
  )
}

interface Asked {
  readonly account?: string
  readonly secret?: string
  readonly path?: string
  readonly request?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly url?: string
}

function ask({ account, secret = serviceKey, path = 'chat/completions', request, headers, url = stand.url }: Asked) {
  return fetch(`${url}/v1/${path}`, {
    method: path.startsWith('models') ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${secret}`,
      'content-type': 'application/json',
      ...(account === undefined ? {} : { 'x-tollgate-account': account }),
      ...headers,
    },
    ...(path.startsWith('models')
      ? {}
      : { body: JSON.stringify(request ?? { model: 'mock/plain', messages: says({ tokens: 3 }) }) }),
  })
}

async function refusalOf(response: Response): Promise<readonly [number, string]> {
  const { error } = (await response.json()) as { error: { code: string } }
  return [response.status, error.code]
}

const image = { path: 'images/generations', request: { prompt: JSON.stringify({ images: 1 }), model: 'mock/image' } }
const routes: readonly Asked[] = [
  { path: 'chat/completions' },
  image,
  { path: 'models' },
  { path: 'models/mock/plain' },
]

describe('the service key', () => {
  it('acts for each account that it names, in the name of whoever it says', async () => {
    for (const account of [first, second]) {
      const client = new OpenAI({ apiKey: serviceKey, baseURL: `${stand.url}/v1`, maxRetries: 0 })
      const named = { 'x-tollgate-account': account.id, 'x-tollgate-employee': 'bo', 'x-tollgate-organization': 'acme' }
      const stream = await client.chat.completions.create(
        { model: 'mock/plain', messages: says({ tokens: 5 }), stream: true },
        { headers: { ...named, 'x-tollgate-message': 'm-1', 'x-tollgate-purpose': 'internal:safety' } },
      )
      await collect(stream)
      expect(await stand.receipts(account)).toMatchObject([
        { row: 'internal|fast|mock/plain|safety|bo|acme', detail: { messageId: 'm-1' } },
      ])
      expect((await account.figures()).spent).toBeGreaterThan(0)
    }
    expect(stand.createdEmployees).toEqual([
      { id: 'bo', organization: 'acme' },
      { id: 'bo', organization: 'acme' },
    ])
  })

  it.each(routes)('works on $path', async (route) => {
    const answer = await ask({ ...route, account: first.id })
    expect(answer.status).toBe(200)
    await answer.text()
  })

  it.each(routes)(
    'is refused on $path without an account, for one that is none, and for one that does not exist',
    async (route) => {
      const calls = stand.upstream.calls.length
      expect(await refusalOf(await ask(route))).toEqual([400, 'missing_account'])
      expect(await refusalOf(await ask({ ...route, account: 'no such/account' }))).toEqual([400, 'invalid_request'])
      expect(await refusalOf(await ask({ ...route, account: `${first.id}, ${second.id}` }))).toEqual([
        400,
        'invalid_request',
      ])
      expect(await refusalOf(await ask({ ...route, account: 'nobody' }))).toEqual([403, 'account_unknown'])
      expect(stand.upstream.calls).toHaveLength(calls)
    },
  )

  it('meets the same idempotency key in two accounts as two calls', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const receipts: (string | null)[] = []
    for (const account of [first.id, second.id, first.id]) {
      const answer = await ask({ account, headers })
      await answer.text()
      expect(answer.headers.get('x-tollgate-replayed')).toBe(receipts.length === 2 ? 'true' : null)
      receipts.push(answer.headers.get('x-tollgate-receipt'))
    }
    expect(receipts[2]).toBe(receipts[0])
    expect(receipts[1]).not.toBe(receipts[0])
  })

  it('is any key only where it is set, and a part of it is none', async () => {
    for (const secret of [serviceKey.slice(0, -1), `${serviceKey}x`])
      expect(await refusalOf(await ask({ secret, account: first.id }))).toEqual([401, 'invalid_api_key'])
    const without = await openStand()
    expect(await refusalOf(await ask({ url: without.url, account: first.id }))).toEqual([401, 'invalid_api_key'])
    await without.close()
  })

  it('finds an account the moment it is there', async () => {
    const id = `late-${randomUUID()}`
    let there = false
    const late = await openStand({
      change: {
        serviceKey,
        readAccount: () => (there ? stand.deps.readAccount(first.id) : Promise.resolve('unknown')),
      },
    })
    const models = { url: late.url, path: 'models', account: id }
    expect((await ask(models)).status).toBe(403)
    there = true
    expect((await ask(models)).status).toBe(200)
    await late.close()
  })

  it('is in no log, whatever fails', async () => {
    const broken = await openStand({
      change: { serviceKey, log, readAccount: () => Promise.reject(new Error('the reader is broken')) },
    })
    expect(await refusalOf(await ask({ url: broken.url, account: first.id }))).toEqual([500, 'internal_error'])
    expect(logged.join('\n')).toContain('the reader is broken')
    expect(logged.join('\n')).not.toContain(serviceKey)
    await broken.close()
  })
})

describe('an ordinary key', () => {
  it('may name its own account, and no other', async () => {
    for (const route of routes) {
      const own = await ask({ ...route, secret: first.secret, account: first.id })
      expect(own.status).toBe(200)
      await own.text()
      const before = (await second.figures()).spent
      expect(await refusalOf(await ask({ ...route, secret: first.secret, account: second.id }))).toEqual([
        403,
        'wrong_account',
      ])
      expect((await second.figures()).spent).toBe(before)
    }
  })
})
