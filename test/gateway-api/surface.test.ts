import { validate } from '@readme/openapi-parser'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChatEnv } from '../../gateway/chat-routes.ts'
import { adminKey, type ApiStand, openApiStand, type TestUser } from './api-stand.ts'

let stand: ApiStand
let user: TestUser

beforeAll(async () => {
  stand = await openApiStand()
  user = await stand.user()
})
afterAll(() => stand.close())

describe('the description', () => {
  test('is a valid OpenAPI document', async () => {
    const { body } = await stand.ask('GET', '/openapi.json')
    expect(await validate(body)).toMatchObject({ valid: true })
  })

  test('names every route of the app', async () => {
    const { body } = await stand.ask('GET', '/openapi.json')
    const described = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(.+?)\}/g, ':$1')}`),
    )
    const pages =
      /^(GET \/(|docs|favicon\.ico|openapi\.json|style-\w+\.css|r\/:code|signup|login|checkout\/:id)|POST \/(signup|login|login\/code|checkout\/:id\/(pay|cancel)))$/
    const served = stand.app.routes
      .filter(({ method, path }) => method !== 'ALL' && !path.includes('*'))
      .map(({ method, path }) => `${method} ${path}`)
      .filter((route) => !pages.test(route))
    expect(described).toEqual(expect.arrayContaining([...new Set(served)]))
  })

  test('every list answers items and next', async () => {
    for (const list of [
      'plans',
      'packs',
      'grants',
      'history',
      'activity',
      'employees',
      'models',
      'prices',
      'alerts',
      'checkouts',
      'invites',
      'sessions',
    ])
      expect((await stand.ask('GET', `/credits/v1/${list}`, { as: user.key })).body).toMatchObject({
        items: expect.any(Array),
        next: null,
      })
  })

  test('reads as a page that asks nobody else for anything', async () => {
    const { status, body, headers } = await stand.ask('GET', '/docs')
    expect(status).toBe(200)
    expect(headers.get('content-security-policy')).toContain("default-src 'self'")
    for (const path of ['/credits/v1/balance', '/admin/v1/accounts/{id}/grants', '/v1/chat/completions'])
      expect(body).toContain(path)
    expect(body).not.toMatch(/(src|href)="https?:/)
    expect(body).not.toMatch(/<script|style=|<style/)
    const [, stylesheet] = /<link rel="stylesheet" href="([^"]+)"/.exec(body) ?? []
    expect(await stand.ask('GET', stylesheet!)).toMatchObject({ status: 200 })
  })
})

describe('the doors', () => {
  test('every answer names its request', async () => {
    expect((await stand.ask('GET', '/healthz')).headers.get('x-request-id')).toMatch(/^[\w-]{36}$/)
    const named = await stand.ask('GET', '/nowhere', { headers: { 'x-request-id': 'from-the-caller-1' } })
    expect(named.headers.get('x-request-id')).toBe('from-the-caller-1')
    expect(named.body.error.requestId).toBe('from-the-caller-1')
  })

  test('an unknown route is 404, a wrong method 405 with what is allowed', async () => {
    expect(await stand.ask('GET', '/credits/v1/nothing', { as: user.key })).toMatchObject({
      status: 404,
      body: { error: { code: 'not_found' } },
    })
    const wrong = await stand.ask('DELETE', '/credits/v1/balance', { as: user.key })
    expect(wrong).toMatchObject({ status: 405, body: { error: { code: 'method_not_allowed' } } })
    expect(wrong.headers.get('allow')).toBe('GET, HEAD')
  })

  test('an unknown route is 404 and a wrong method 405, also for a body that is no JSON', async () => {
    expect(await stand.ask('POST', '/credits/v1/nothing', { as: user.key, body: '' })).toMatchObject({ status: 404 })
    expect(await stand.ask('POST', '/credits/v1/balance', { as: user.key, body: '{' })).toMatchObject({ status: 405 })
  })

  test('an unknown model route answers as OpenAI’s clients expect it', async () => {
    const unknown = await stand.ask('POST', '/v1/completions', { as: user.key, body: {} })
    expect(unknown).toMatchObject({ status: 404, body: { error: { code: 'not_found', param: null } } })
    expect(unknown.body.error.message).toMatch(/^not_found: .*\/v1\/completions/)
    expect(unknown.headers.get('x-should-retry')).toBe('false')
    const app = stand.another({ chat: new Hono<ChatEnv>().get('/v1/models', (c) => c.json({})) })
    const wrong = await stand.ask('DELETE', '/v1/models', { as: user.key, app })
    expect(wrong).toMatchObject({ status: 405, body: { error: { code: 'method_not_allowed' } } })
    expect(wrong.headers.get('allow')).toBe('GET, HEAD')
  })

  test('health, readiness and metrics answer without a key', async () => {
    expect(await stand.ask('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await stand.ask('GET', '/readyz')).toMatchObject({
      status: 200,
      body: { parts: { ledger: 'ok', journal: 'ok' } },
    })
    expect((await stand.ask('GET', '/metrics')).body).toContain('process_cpu_user_seconds_total')
  })

  test('readiness says which part is away, and is lost with the ledger or the outbox', async () => {
    const away = () => Promise.reject(new Error('gone'))
    const withoutJournal = stand.another({ parts: { ...stand.deps.parts, journal: away } })
    expect(await stand.ask('GET', '/readyz', { app: withoutJournal })).toMatchObject({
      status: 200,
      body: { parts: { journal: 'unavailable' } },
    })
    for (const part of ['ledger', 'outbox']) {
      const without = stand.another({ parts: { ...stand.deps.parts, [part]: away } })
      expect(await stand.ask('GET', '/readyz', { app: without })).toMatchObject({
        status: 503,
        body: { status: 'not_ready', parts: { [part]: 'unavailable' } },
      })
    }
  })

  test('an error of ours is 500 with the request id and nothing else', async () => {
    const broken = stand.another({ undrained: () => Promise.reject(new TypeError('secret detail')) })
    const answer = await stand.ask('GET', '/credits/v1/activity', { as: user.key, app: broken })
    expect(answer).toMatchObject({ status: 500, body: { error: { code: 'internal_error' } } })
    expect(JSON.stringify(answer.body)).not.toMatch(/secret|at .*\.ts/)
  })
})

/** For people who are not signed in. */
const open = /^\/credits\/v1\/(signup|login|login\/code|logout|promo-check)$/

describe('credentials', () => {
  const guarded = () =>
    stand.app.routes
      .filter(({ method, path }) => method !== 'ALL' && /^\/(credits|admin)\/v1\/\w/.test(path) && !open.test(path))
      .map(({ method, path }) => ({ method, path: path.replaceAll(/:\w+/g, 'x') }))

  test('no route answers without, with wrong, or with the other side’s credentials', async () => {
    const routes = guarded()
    expect(routes.length).toBeGreaterThan(20)
    for (const { method, path } of routes) {
      const other = path.startsWith('/admin') ? user.key : adminKey
      for (const as of [undefined, 'wrong', `tg_live_000000000000_${'A'.repeat(43)}`, 'a.b.c', other]) {
        const answer = await stand.ask(method, path, as === undefined ? {} : { as })
        expect([method, path, as, answer.status, answer.body.error?.code]).toEqual([
          method,
          path,
          as,
          401,
          'unauthenticated',
        ])
        expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      }
    }
  })

  test('a revoked key opens nothing any more', async () => {
    const other = await stand.user()
    expect(await stand.ask('GET', '/credits/v1/balance', { as: other.key })).toMatchObject({ status: 200 })
    expect(
      await stand.ask('DELETE', `/admin/v1/accounts/${other.accountId}/keys/${other.keyId}`, { as: adminKey }),
    ).toMatchObject({ status: 200 })
    await expect.poll(async () => (await stand.ask('GET', '/credits/v1/balance', { as: other.key })).status).toBe(401)
    for (const { method, path } of guarded().filter(({ path }) => path.startsWith('/credits'))) {
      expect([path, (await stand.ask(method, path, { as: other.key })).status]).toEqual([path, 401])
    }
  })

  test('an expired token is refused, one for another gateway too', async () => {
    const minted = await stand.ask('POST', `/admin/v1/accounts/${user.accountId}/tokens`, { as: adminKey, body: {} })
    expect(await stand.ask('GET', '/credits/v1/balance', { as: minted.body.token })).toMatchObject({ status: 200 })
    const later = stand.another({
      tokens: { ...stand.deps.tokens, verify: () => Promise.resolve({ ok: false, code: 'token_expired' }) },
    })
    expect(await stand.ask('GET', '/credits/v1/balance', { as: minted.body.token, app: later })).toMatchObject({
      status: 401,
    })
  })

  test('a key that may not create employees may not change them either', async () => {
    const made = await stand.ask('POST', `/admin/v1/accounts/${user.accountId}/keys`, { as: adminKey, body: {} })
    const answer = await stand.ask('POST', '/credits/v1/employees', { as: made.body.secret, body: { name: 'Ada' } })
    expect(answer).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } })
  })
})

describe('bad input gets a reason', () => {
  const long = 'x'.repeat(300)
  const cases: readonly (readonly [method: string, path: string, body: unknown, status: number, code: string])[] = [
    ['POST', '/admin/v1/accounts', '{"userId": ', 400, 'malformed_json'],
    ['POST', '/admin/v1/accounts', '', 400, 'malformed_json'],
    ['POST', '/admin/v1/accounts', '[]', 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts', 'null', 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts', {}, 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts', { userId: 'a|b', email: 'a@example.com' }, 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts', { userId: 'a\n', email: 'a@example.com' }, 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts', { userId: long, email: 'a@example.com' }, 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts', { userId: 'a', email: 'no address' }, 400, 'invalid_request'],
    [
      'POST',
      '/admin/v1/accounts',
      { userId: 'a', email: 'a@example.com', timeZone: 'Mars/Base' },
      400,
      'invalid_request',
    ],
    ['POST', '/admin/v1/accounts', { userId: 'a', email: 'a@example.com', surprise: 1 }, 400, 'invalid_request'],
    ['GET', '/admin/v1/accounts/nobody-here', undefined, 404, 'account_unknown'],
    ['GET', '/admin/v1/accounts/%00', undefined, 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts/nobody-here/keys', {}, 404, 'account_unknown'],
    ['POST', '/admin/v1/accounts/nobody-here/tokens', {}, 404, 'account_unknown'],
    ['POST', '/admin/v1/accounts/nobody-here/grants', { credits: 1, reason: 'x' }, 404, 'account_unknown'],
    ['PUT', '/admin/v1/accounts/nobody-here/plan', { plan: 'free' }, 404, 'account_unknown'],
    ['POST', '/admin/v1/accounts/ME/keys', { employees: [] }, 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts/ME/keys', { name: 'a\u0000b' }, 400, 'invalid_request'],
    ['DELETE', '/admin/v1/accounts/ME/keys/none', undefined, 404, 'key_unknown'],
    ['POST', '/admin/v1/accounts/ME/tokens', { lifetimeSeconds: 1e9 }, 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts/ME/grants', { credits: '1e3', reason: 'x' }, 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts/ME/grants', { credits: -5, reason: 'x' }, 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts/ME/grants', { credits: 0, reason: 'x' }, 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts/ME/grants', { credits: 0.1234567, reason: 'x' }, 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts/ME/grants', { credits: 5, reason: '' }, 400, 'invalid_request'],
    ['POST', '/admin/v1/accounts/ME/grants', { credits: 999_999_999, reason: 'x' }, 422, 'amount_invalid'],
    ['POST', '/admin/v1/accounts/ME/grants', { credits: 5, reason: 'x', source: 'plan' }, 400, 'invalid_request'],
    ['PUT', '/admin/v1/accounts/ME/plan', { plan: 'no-such-plan' }, 422, 'plan_unknown'],
    ['GET', '/credits/v1/usage?period=0', undefined, 400, 'invalid_request'],
    ['GET', '/credits/v1/usage?period=99', undefined, 404, 'not_found'],
    ['GET', '/credits/v1/usage?period=1e400', undefined, 400, 'invalid_request'],
    ['GET', '/credits/v1/usage?groupBy=colour', undefined, 400, 'invalid_request'],
    ['GET', '/credits/v1/usage?from=2026-11-31&to=2026-12-01', undefined, 400, 'invalid_request'],
    ['GET', '/credits/v1/usage?from=2026-11-01', undefined, 400, 'invalid_request'],
    ['GET', '/credits/v1/usage?from=2026-11-02&to=2026-11-01', undefined, 400, 'invalid_request'],
    ['GET', '/credits/v1/usage?from=2020-01-01&to=2026-11-01', undefined, 400, 'invalid_request'],
    ['GET', '/credits/v1/activity?cursor=nonsense', undefined, 400, 'invalid_request'],
    ['GET', '/credits/v1/activity?limit=9999', undefined, 400, 'invalid_request'],
    ['GET', '/credits/v1/activity?limit=1&limit=2', undefined, 400, 'invalid_request'],
    ['GET', '/credits/v1/grants?cursor=-1', undefined, 400, 'invalid_request'],
    ['GET', '/credits/v1/receipts/nonsense', undefined, 404, 'receipt_unknown'],
    ['GET', '/credits/v1/receipts/0mh3k2a1b.never-was', undefined, 404, 'receipt_unknown'],
    ['GET', '/credits/v1/receipts/%E0%A4%A', undefined, 404, 'receipt_unknown'],
    ['GET', `/credits/v1/messages/${long}${long}`, undefined, 400, 'invalid_request'],
    ['GET', '/credits/v1/messages/never-was', undefined, 404, 'message_unknown'],
    ['POST', '/credits/v1/employees', { name: 'x', tier: 'gold' }, 400, 'invalid_request'],
    ['POST', '/credits/v1/employees', { name: 'x', id: 'a|b' }, 400, 'invalid_request'],
    ['PATCH', '/credits/v1/employees/nobody', { name: 'x' }, 404, 'employee_unknown'],
    ['DELETE', '/credits/v1/employees/nobody', undefined, 404, 'employee_unknown'],
    ['POST', '/credits/v1/sessions', { kind: 'seance', employee: 'x' }, 400, 'invalid_request'],
    ['POST', '/credits/v1/sessions', { kind: 'voice' }, 400, 'invalid_request'],
    ['POST', '/credits/v1/sessions', { kind: 'voice', employee: 'nobody' }, 404, 'employee_unknown'],
    [
      'POST',
      '/credits/v1/sessions',
      { kind: 'meeting', employee: 'x', meetingUrl: 'javascript:alert(1)' },
      400,
      'invalid_request',
    ],
    ['GET', '/credits/v1/sessions?cursor=nonsense', undefined, 400, 'invalid_request'],
    ['GET', '/credits/v1/sessions/never-was', undefined, 404, 'session_unknown'],
    ['POST', '/credits/v1/sessions/never-was/heartbeat', undefined, 404, 'session_unknown'],
    ['POST', '/credits/v1/sessions/never-was/end', undefined, 404, 'session_unknown'],
    ['GET', '/credits/v1/sessions/never-was/join', undefined, 404, 'session_unknown'],
    ['POST', '/credits/v1/sessions/a%7Cb/end', undefined, 400, 'invalid_request'],
    ['POST', '/credits/v1/estimate', { model: '' }, 400, 'invalid_request'],
    ['POST', '/credits/v1/estimate', { model: 'no-such-model' }, 404, 'model_unknown'],
    ['POST', '/credits/v1/estimate', { model: 'fast', messages: 'hello' }, 400, 'invalid_request'],
    ['POST', '/credits/v1/estimate', { model: 'fast', maxTokens: 0 }, 400, 'invalid_request'],
  ]

  test.each(cases)('%s %s %j: %i %s', async (method, path, body, status, code) => {
    const as = path.startsWith('/admin') ? adminKey : user.key
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
    const answer = await stand.ask(method, path.replace('/ME/', `/${user.accountId}/`), {
      as,
      headers,
      ...(body === undefined ? {} : { body }),
    })
    expect([answer.status, answer.body.error?.code]).toEqual([status, code])
    const named = (answer.body.error.issues ?? []).every(
      (issue: { path: string; message: string }) =>
        /^(body|query|param|header)/.test(issue.path) && issue.message !== '',
    )
    expect([named, answer.body.error.issues !== undefined]).toEqual([true, code === 'invalid_request'])
  })

  test('nesting without measure is refused', async () => {
    const body = `{"model":"fast","messages":[{"role":"user","content":${'['.repeat(9_000)}${']'.repeat(9_000)}}]}`
    const answer = await stand.ask('POST', '/credits/v1/estimate', { as: user.key, body })
    expect([answer.status, answer.body.error.code]).toEqual([400, 'malformed_json'])
  })

  test('malformed JSON is told where it stops being JSON', async () => {
    const { body } = await stand.ask('POST', '/admin/v1/accounts', { as: adminKey, body: '{\n  "userId": x\n}' })
    expect(body.error.message).toContain('line 2, column 13')
  })

  const told: readonly (readonly [method: string, path: string, body: unknown, message: RegExp])[] = [
    ['GET', '/admin/v1/accounts/nobody-here', undefined, /nobody-here/],
    [
      'POST',
      '/admin/v1/accounts/ME/grants',
      { credits: null, reason: 'x' },
      /^body\.credits: credits with at most six/,
    ],
    ['POST', '/admin/v1/accounts/ME/grants', { credits: 999_999_999, reason: 'x' }, /at most 400000000 credits/],
    ['POST', '/credits/v1/estimate', { model: 'employee' }, /name one in `employee`/],
  ]
  test.each(told)('%s %s %j: the message says what would be right', async (method, path, body, message) => {
    const as = path.startsWith('/admin') ? adminKey : user.key
    const answer = await stand.ask(method, path.replace('/ME/', `/${user.accountId}/`), {
      as,
      ...(body === undefined ? {} : { body }),
    })
    expect(answer.body.error.message).toMatch(message)
  })

  test('a body without end is refused while it arrives', async () => {
    const huge = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(16_384)) })
    const response = await stand.app.request('/admin/v1/accounts', {
      method: 'POST',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: huge,
      duplex: 'half',
    })
    expect(response.status).toBe(413)
  })

  test('what is not declared as JSON is refused', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      const answer = await stand.ask('POST', '/admin/v1/accounts', {
        as: adminKey,
        body: '{}',
        headers: { 'content-type': type },
      })
      expect(answer).toMatchObject({ status: 415, body: { error: { code: 'unsupported_media_type' } } })
    }
  })
})
