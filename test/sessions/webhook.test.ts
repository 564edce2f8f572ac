import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock as clock } from '../../middleware/clock.ts'
import { AdapterRefused, AdapterUnavailable, type SessionAdapter } from '../../middleware/sessions/adapter.ts'
import { createSignedMessages } from '../../middleware/sessions/adapters/signed-messages.ts'
import { createWebhookAdapter } from '../../middleware/sessions/adapters/webhook.ts'
import { type CompanySystem, sharedSecret, startCompanySystem } from './company-system.ts'
import { newSession } from './new-session.ts'

let company: CompanySystem
let system: SessionAdapter
beforeAll(async () => {
  company = await startCompanySystem()
  system = createWebhookAdapter({ ...company, clock })
})
afterAll(() => company?.close())
beforeEach(() => {
  company.heard.length = 0
  company.answers.length = 0
})

test('a company’s system hears of begin, warning and end, each signed', async () => {
  const session = newSession('meeting', { employee: 'ada', organization: 'acme' })
  const { accountId: account, sessionId } = session
  const about = { account, session: sessionId, kind: 'meeting', employee: 'ada', organization: 'acme' }
  company.answers.push({ status: 200, body: '{"ref":"call-7","join":{"url":"https://calls.example/7","token":"t"}}' })
  expect(await system.begin(session)).toEqual({
    ref: 'call-7',
    platform: null,
    join: { url: 'https://calls.example/7', token: 't' },
  })
  await system.warn!(session, 'call-7', 95)
  await system.end(session, 'call-7', 'credits')
  expect(company.heard).toMatchObject([
    { type: 'session.begin', data: { ...about, meetingUrl: session.meetingUrl } },
    { type: 'session.warn', data: { ...about, ref: 'call-7', secondsLeft: 95 } },
    { type: 'session.end', data: { ...about, ref: 'call-7', reason: 'credits' } },
  ])
  expect(Date.parse(company.heard[0]!.timestamp)).toBeGreaterThan(0)
})

test('an event that is sent again has the id that it had; two events never share one', async () => {
  const session = newSession('voice')
  const { ref } = await system.begin(session)
  await system.begin(session)
  await system.warn!(session, ref, 100)
  await system.warn!(session, ref, 40)
  await system.end(session, ref, 'left')
  await system.end(session, ref, 'left')
  await system.begin({ ...session, accountId: 'somebody-else' })
  const ids = company.heard.map(({ id }) => id)
  expect(ids[0]).toBe(ids[1])
  expect(ids[4]).toBe(ids[5])
  expect(new Set(ids).size).toBe(5)
})

test('who answers nothing has the session’s id to find it by, and gives no way to join', async () => {
  const session = newSession('voice')
  expect(await system.begin(session)).toEqual({ ref: session.sessionId, platform: null, join: null })
})

test('a system that refuses a session says why', async () => {
  company.answers.push({ status: 403, body: '{"message":"Nobody is at work on Sundays."}' }, { status: 422 })
  await expect(system.begin(newSession('voice'))).rejects.toThrow(new AdapterRefused('Nobody is at work on Sundays.'))
  await expect(system.begin(newSession('voice'))).rejects.toThrow(AdapterRefused)
})

test.each([[400], [401], [404], [429], [500], [503], [301]])('%i: later it may do it', async (status) => {
  const session = newSession('voice')
  company.answers.push({ status }, { status })
  await expect(system.begin(session)).rejects.toThrow(AdapterUnavailable)
})

test.each([['{"ref":""}'], ['{"join":{"url":"no address","token":"t"}}'], ['[]']])(
  'an answer that cannot be read begins nothing: %s',
  async (body) => {
    company.answers.push({ status: 200, body })
    await expect(system.begin(newSession('voice'))).rejects.toThrow(AdapterUnavailable)
  },
)

test('a session that the system has no more is over there; one that it could not end is ended again', async () => {
  const session = newSession('voice')
  company.answers.push({ status: 404 }, { status: 410 }, { status: 500 })
  await system.end(session, 'call-7', 'left')
  await system.end(session, 'call-7', 'left')
  await expect(system.end(session, 'call-7', 'left')).rejects.toThrow(AdapterUnavailable)
})

test('a system that does not know the secret hears nothing, and one that is away is told as such', async () => {
  const stranger = createWebhookAdapter({ ...company, secret: `whsec_${btoa('another secret of some length')}`, clock })
  await expect(stranger.begin(newSession('voice'))).rejects.toThrow(AdapterUnavailable)
  expect(company.heard).toEqual([])
  const nowhere = createWebhookAdapter({ ...company, url: 'http://127.0.0.1:9/', clock })
  await expect(nowhere.begin(newSession('voice'))).rejects.toThrow(AdapterUnavailable)
})

test('a message is genuine by its secret, its time and every byte of it', () => {
  const messages = createSignedMessages(sharedSecret)
  const body = '{"type":"session.alive"}'
  const signed = (at: Date, id = randomUUID()): Record<string, string> => ({ ...messages.sign({ id, at, body }) })
  const now = new Date()
  const genuine = signed(now)
  expect(messages.isGenuine(body, new Headers(genuine))).toBe(true)
  expect(messages.isGenuine(body, new Headers(renamed(genuine)))).toBe(true)
  expect(messages.isGenuine(`${body} `, new Headers(genuine))).toBe(false)
  expect(messages.isGenuine(body, new Headers({ ...genuine, 'webhook-id': 'another' }))).toBe(false)
  expect(messages.isGenuine(body, new Headers({ ...genuine, 'webhook-signature': 'v1,' }))).toBe(false)
  expect(messages.isGenuine(body, new Headers({ ...genuine, 'webhook-timestamp': 'yesterday' }))).toBe(false)
  expect(messages.isGenuine(body, new Headers())).toBe(false)
  for (const minutes of [-6, 6])
    expect(messages.isGenuine(body, new Headers(signed(new Date(now.getTime() + minutes * 60_000))))).toBe(false)
  const rotated = `v1,${btoa('a signature of the next secret..')} ${genuine['webhook-signature']}`
  expect(messages.isGenuine(body, new Headers({ ...genuine, 'webhook-signature': rotated }))).toBe(true)
})

test.each([
  ['', 'empty'],
  ['whsec_', 'empty'],
  ['no base64!', 'Base64'],
])('%j is no secret', (secret, why) => {
  expect(() => createSignedMessages(secret)).toThrow(why)
})

/** As Svix calls them. */
function renamed(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.replace('webhook-', 'svix-'), value]))
}
