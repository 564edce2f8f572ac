import { randomUUID } from 'node:crypto'
import { OpenAPIHono } from '@hono/zod-openapi'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerError } from '../../gateway/error.ts'
import type { ApiEnv } from '../../gateway/route.ts'
import { webhookRoutes } from '../../gateway/webhooks/webhook-routes.ts'
import { until } from '../stack/until.ts'
import { openWebhooksStand, type WebhooksStand } from './webhooks-stand.ts'

let stand: WebhooksStand
beforeAll(async () => {
  stand = await openWebhooksStand()
})
afterAll(() => stand?.close())

test('a company’s system begins a call, gives signs of life and ends it', async () => {
  const { accountId } = await stand.caller(100)
  const data = { account: accountId, call: 'call 7', kind: 'voice', employee: 'ada', organization: 'acme' }
  const begun = await post({ type: 'session.start', data })
  expect(begun).toMatchObject({ status: 200, body: { outcome: 'heard' } })
  const { session } = begun.body
  expect(stand.company.heard).toMatchObject([{ type: 'session.begin', data: { account: accountId, session } }])
  const name = { accountId, sessionId: session }
  expect(await stand.sessions.find(name)).toMatchObject({ state: 'live', adapter: 'webhook', organization: 'acme' })

  const about = { account: accountId, session }
  await stand.given.clock.advance(8_000)
  expect(await post({ type: 'session.alive', data: about })).toMatchObject({ body: { outcome: 'heard' } })
  expect((await stand.given.ledger.session({ ...name, act: 'read' })).record!.aliveAtMs).toBe(stand.given.clock.nowMs())
  await stand.given.clock.advance(2_000)
  expect(await post({ type: 'session.end', data: about })).toMatchObject({ body: { outcome: 'ended', session } })
  expect(await stand.sessions.find(name)).toMatchObject({ state: 'ended', endReason: 'left', credits: 500_000 })
  expect(await post({ type: 'session.alive', data: about })).toMatchObject({ body: { outcome: 'ended' } })
  await until(async () => stand.company.heard.some(({ type }) => type === 'session.end'))
})

test('a start that is told again is the same call; another account’s call of that name is another', async () => {
  const [ada, bob] = [await stand.caller(100), await stand.caller(100)]
  const start = (account: string) =>
    post({ type: 'session.start', data: { account, call: 'call 8', kind: 'voice', employee: 'ada' } })
  const first = await start(ada.accountId)
  expect((await start(ada.accountId)).body).toEqual(first.body)
  expect((await start(bob.accountId)).body.session).not.toBe(first.body.session)
  expect(await stand.sessions.open(ada.accountId)).toHaveLength(1)
})

test('without enough credits the call is refused with the reason; silence ends one, billed to its last sign of life', async () => {
  const poor = await stand.caller(2)
  const data = { account: poor.accountId, call: 'call 9', kind: 'voice', employee: 'ada' }
  expect(await post({ type: 'session.start', data })).toMatchObject({
    status: 200,
    body: { outcome: 'refused', code: 'insufficient_credits' },
  })
  expect(stand.logged).toContain('webhook_refused')

  const { accountId } = await stand.caller(100)
  const { session } = (await post({ type: 'session.start', data: { ...data, account: accountId } })).body
  const name = { accountId, sessionId: session as string }
  // Silence counts from the first look, which sets the second minute aside
  await until(async () => {
    const reading = await stand.given.ledger.read(accountId)
    return reading.status === 'loaded' && reading.held === 6_000_000
  })
  await stand.given.clock.advance(10_000)
  await post({ type: 'session.alive', data: { account: accountId, session } })
  await stand.given.clock.advance(31_000)
  expect(
    await until(async () => {
      const found = await stand.sessions.find(name)
      return found?.state === 'ended' ? found : undefined
    }),
  ).toMatchObject({ endReason: 'connection_lost', credits: 500_000 })
})

test('a sign of life that is overheard and sent again keeps nothing alive', async () => {
  const { accountId } = await stand.caller(100)
  const data = { account: accountId, call: randomUUID(), kind: 'voice', employee: 'ada' }
  const { session } = (await post({ type: 'session.start', data })).body
  const body = JSON.stringify({ type: 'session.alive', data: { account: accountId, session } })
  const headers = stand.signedBy(stand.company.secret, body)
  const send = () => stand.post('/webhooks/sessions', body, headers)
  expect(await send()).toMatchObject({ body: { outcome: 'heard' } })
  const aliveAtMs = stand.given.clock.nowMs()
  await stand.given.clock.advance(5_000)
  expect(await send()).toMatchObject({ status: 200, body: { outcome: 'repeated' } })
  const { record } = await stand.given.ledger.session({ accountId, sessionId: session, act: 'read' })
  expect(record!.aliveAtMs).toBe(aliveAtMs)
})

test.each<[string, object, number, object]>([
  [
    'a call that nobody knows',
    { type: 'session.alive', data: { account: 'nobody', session: 'never-was' } },
    200,
    { outcome: 'unknown_session' },
  ],
  [
    'an end of it',
    { type: 'session.end', data: { account: 'nobody', session: 'never-was' } },
    200,
    { outcome: 'unknown_session' },
  ],
  ['an event of another kind', { type: 'invoice.paid', data: {} }, 200, { outcome: 'ignored' }],
  ['our own event, sent back', { type: 'session.begin', data: {} }, 200, { outcome: 'ignored' }],
  [
    'no account',
    { type: 'session.alive', data: { session: 'never-was' } },
    400,
    { error: { code: 'invalid_request' } },
  ],
  [
    'an id that is none',
    { type: 'session.end', data: { account: 'a', session: '../b' } },
    400,
    { error: { code: 'invalid_request' } },
  ],
  [
    'a kind that is none',
    { type: 'session.start', data: { account: 'a', call: 'c', kind: 'fax', employee: 'ada' } },
    400,
    { error: { code: 'invalid_request' } },
  ],
])('%s', async (_what, event, status, body) => {
  expect(await post(event)).toMatchObject({ status, body })
})

test.each<[string, (body: string) => Record<string, string>]>([
  ['nothing', () => ({})],
  ['the bot service’s secret', (body) => stand.signedBy(stand.bots.webhookSecret, body)],
  ['the signature of another event', () => stand.signedBy(stand.company.secret, '{}')],
  [
    'a signature of an hour ago',
    (body) => stand.signedBy(stand.company.secret, body, { at: new Date(Date.now() - 3_600_000) }),
  ],
])('an event with %s is refused', async (_what, headersOf) => {
  const body = JSON.stringify({ type: 'session.end', data: { account: 'a', session: 'b' } })
  expect(await stand.post('/webhooks/sessions', body, headersOf(body))).toMatchObject({
    status: 401,
    body: { error: { code: 'signature_invalid' } },
  })
})

test('a body that is no JSON, or too long, is refused', async () => {
  const signed = stand.signedBy(stand.company.secret, '{')
  expect(await stand.post('/webhooks/sessions', '{', signed)).toMatchObject({
    status: 400,
    body: { error: { code: 'malformed_json' } },
  })
  const long = JSON.stringify({ type: 'x'.repeat(70_000) })
  expect(await stand.post('/webhooks/sessions', long, stand.signedBy(stand.company.secret, long))).toMatchObject({
    status: 413,
  })
})

test('where no secret is set no events are taken, and the answer names the setting', async () => {
  const app = new OpenAPIHono<ApiEnv>()
  webhookRoutes(app, undefined)
  app.onError((error, c) => answerError(error, c, { error: () => undefined }))
  for (const [path, setting] of [
    ['livekit', 'LIVEKIT_URL'],
    ['meeting-bot', 'MEETING_BOT_WEBHOOK_SECRET'],
    ['sessions', 'SESSION_WEBHOOK_SECRET'],
  ]) {
    const answer = await app.request(`/webhooks/${path}`, { method: 'POST', body: '{}' })
    expect(answer.status).toBe(404)
    expect(await answer.text()).toContain(setting)
  }
})

async function post(event: object) {
  const body = JSON.stringify(event)
  return stand.post('/webhooks/sessions', body, stand.signedBy(stand.company.secret, body))
}
