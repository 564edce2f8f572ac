import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { AdapterRefused, AdapterUnavailable, type SessionAdapter } from '../../middleware/sessions/adapter.ts'
import { whereaboutsOf } from '../../middleware/sessions/adapters/bot-status.ts'
import { createMeetingBotAdapter } from '../../middleware/sessions/adapters/meeting-bot.ts'
import { type Bot, type BotService, type Fault, startBotService } from './bot-service.ts'
import { newSession } from './new-session.ts'

let service: BotService
let bots: SessionAdapter
beforeAll(async () => {
  service = await startBotService()
  bots = createMeetingBotAdapter({ ...service, withinMs: 1_500 })
})
afterAll(() => service?.close())
beforeEach(() => {
  service.faults.length = 0
  service.asked.length = 0
})

const meeting = newSession('meeting', { employee: 'researcher' })

test('a bot joins by the address of the meeting, is let in, and leaves at the end', async () => {
  const session = { ...meeting, sessionId: 'all-the-way' }
  const { ref, ...begun } = await bots.begin(session)
  expect(begun).toEqual({ platform: 'meet', waits: true, join: null })
  const bot = service.bots.get(ref)!
  expect(bot).toMatchObject({
    meeting_url: session.meetingUrl,
    bot_name: 'researcher',
    automatic_leave: { waiting_room_timeout: 600 },
    metadata: { tollgate_account: session.accountId, tollgate_session: 'all-the-way' },
  })
  expect(await bots.look!(session, ref)).toBe('waiting')
  await service.happens(bot, 'in_waiting_room')
  expect(await bots.look!(session, ref)).toBe('waiting')
  await service.happens(bot, 'in_call_recording')
  expect(await bots.look!(session, ref)).toBe('present')
  // Asked for again, it is there already
  expect(await bots.begin(session)).toEqual({ ref, platform: 'meet', join: null })

  await bots.warn!(session, ref, 118)
  await bots.warn!(session, ref, 61)
  expect(bot.chat).toEqual([
    'I have to leave this meeting in about 2 minutes.',
    'I have to leave this meeting in about a minute.',
  ])

  await bots.end(session, ref, 'credits')
  expect(bot.status_changes.at(-1)).toMatchObject({ code: 'call_ended', sub_code: 'bot_received_leave_call' })
  expect(await bots.look!(session, ref)).toBe('gone')
  await bots.end(session, ref, 'credits')
})

test.each([
  ['https://us02web.zoom.us/j/1234567890?pwd=abc', 'zoom'],
  ['https://teams.live.com/meet/9312345678901', 'teams'],
])('the platform of %s is told: %s', async (meetingUrl, platform) => {
  expect(await bots.begin(newSession('meeting', { meetingUrl }))).toMatchObject({ platform })
})

test.each([[null], ['https://example.com/meeting'], ['http://127.0.0.1/j/1']])(
  'no bot is sent to %s',
  async (meetingUrl) => {
    await expect(bots.begin(newSession('meeting', { meetingUrl }))).rejects.toThrow(AdapterRefused)
    expect(service.asked).toEqual([])
  },
)

test.each([
  ['the host shuts the door', 'fatal', 'meeting_not_found'],
  ['the host lets nobody in', 'call_ended', 'timeout_exceeded_waiting_room'],
  ['the host turns it out', 'call_ended', 'bot_kicked_from_call'],
  ['the meeting ends', 'call_ended', 'call_ended_by_host'],
])('%s: the bot is gone, and ending it is no fault', async (_what, code, subCode) => {
  const session = newSession('meeting')
  const { ref } = await bots.begin(session)
  await service.happens(service.bots.get(ref)!, 'in_waiting_room')
  await service.happens(service.bots.get(ref)!, code, subCode)
  await service.happens(service.bots.get(ref)!, 'done')
  expect(await bots.look!(session, ref)).toBe('gone')
  await bots.end(session, ref, 'left')
})

test('a bot that the service has forgotten is gone', async () => {
  const session = newSession('meeting')
  const { ref } = await bots.begin(session)
  service.bots.delete(ref)
  expect(await bots.look!(session, ref)).toBe('gone')
  await bots.end(session, ref, 'left')
})

test.each<[string, Fault]>([
  ['an error of its own', { status: 502, body: '<html>Bad gateway</html>' }],
  ['too many requests', { status: 429, body: '{"detail":"Request was throttled."}' }],
  ['no bot at hand', { status: 507 }],
  ['another request with the same key under way', { status: 409 }],
  ['an unpaid account', { status: 402 }],
  ['a key that it does not know', { status: 401 }],
  ['a cut connection', { cut: true }],
  ['silence', { silent: true }],
  ['a redirect to somebody else', { status: 302 }],
  ['an answer that is no JSON', { status: 201, body: 'created' }],
  ['a bot without an id', { status: 201, body: '{"id":""}' }],
  ['an answer without an end', { status: 201, body: `{"id":"1","x":"${'x'.repeat(300_000)}"}` }],
])('%s: later it may do it, and nothing is known meanwhile', async (_what, fault) => {
  const session = newSession('meeting')
  service.faults.push(fault, fault)
  await expect(bots.begin(session)).rejects.toThrow(AdapterUnavailable)
  service.faults.length = 0
  const { ref } = await bots.begin(session)
  service.faults.push(fault)
  expect(await bots.look!(session, ref)).toBe('unknown')
  expect(await bots.look!(session, ref)).toBe('waiting')
})

test.each<[string, Fault]>([
  ['an error of its own', { status: 500 }],
  ['too many requests', { status: 429 }],
  ['a cut connection', { cut: true }],
  ['silence', { silent: true }],
  ['a bot that has not started', { status: 400, body: '{"code":"cannot_command_unstarted_bot"}' }],
])('%s at the end: it is told, so that the bot is asked to leave again', async (_what, fault) => {
  const session = newSession('meeting')
  const { ref } = await bots.begin(session)
  service.faults.push(fault)
  await expect(bots.end(session, ref, 'credits')).rejects.toThrow(AdapterUnavailable)
  await bots.end(session, ref, 'credits')
  expect(await bots.look!(session, ref)).toBe('gone')
})

test('a service that refuses the meeting says why', async () => {
  service.faults.push({ status: 400, body: '{"detail":"This tenant lets no bots in."}' })
  await expect(bots.begin(newSession('meeting'))).rejects.toThrow(
    new AdapterRefused('the meeting bot service refuses this meeting: This tenant lets no bots in.'),
  )
  service.faults.push({ status: 422, body: '{"meeting_url":["Not a meeting."]}' })
  await expect(bots.begin(newSession('meeting'))).rejects.toThrow('{"meeting_url":["Not a meeting."]}')
})

test('an answer that is lost sends no second bot', async () => {
  const session = newSession('meeting')
  service.faults.push({ unheard: true })
  const { ref } = await bots.begin(session)
  expect((await bots.begin(session)).ref).toBe(ref)
  expect(botsOf(session.sessionId)).toHaveLength(1)
})

test('two accounts with one name for a session have two bots', async () => {
  const ada = newSession('meeting')
  await bots.begin(ada)
  await bots.begin({ ...ada, accountId: 'somebody-else' })
  expect(botsOf(ada.sessionId)).toHaveLength(2)
})

test('paths end with a slash where the address of the service does', async () => {
  const session = newSession('meeting')
  const { ref } = await bots.begin(session)
  await bots.end(session, ref, 'left')
  const plain = createMeetingBotAdapter({
    ...service,
    url: service.url.replace(/\/$/, ''),
    key: `Token ${service.key}`,
  })
  await plain.begin(session)
  await plain.look!(session, ref)
  expect(service.asked).toEqual([
    'POST /api/v1/bot/',
    `POST /api/v1/bot/${ref}/leave_call/`,
    'POST /api/v1/bot',
    `GET /api/v1/bot/${ref}`,
  ])
})

test.each([
  [['ready', 'joining_call'], 'coming'],
  [['in_waiting_room'], 'coming'],
  [['joining_call', 'in_waiting_room', 'in_call_not_recording'], 'inside'],
  [['in_call_recording', 'a_state_of_next_year'], 'inside'],
  [['in_call_recording', 'call_ended', 'recording_done'], 'gone'],
  [['joining_call', 'fatal'], 'gone'],
  [['a_state_of_next_year'], 'unknown'],
  [[], 'unknown'],
])('a bot that was %j is %s', (states, where) => {
  expect(whereaboutsOf(states)).toBe(where)
})

function botsOf(sessionId: string): readonly Bot[] {
  return [...service.bots.values()].filter(({ metadata }) => metadata['tollgate_session'] === sessionId)
}
