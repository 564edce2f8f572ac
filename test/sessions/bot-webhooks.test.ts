import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SessionStart } from '../../credits/session/messages.ts'
import { until } from '../stack/until.ts'
import type { Bot } from './bot-service.ts'
import { openWebhooksStand, type WebhooksStand } from './webhooks-stand.ts'

let stand: WebhooksStand
beforeAll(async () => {
  stand = await openWebhooksStand()
})
afterAll(() => stand?.close())

test('a meeting lasts until its host ends it', async () => {
  const { start, bot } = await attended()
  await stand.bots.happens(bot, 'in_waiting_room')
  await stand.talk(start, 55)
  expect(await stand.sessions.find(start)).toMatchObject({ state: 'starting', ms: 0, credits: 0 })
  await stand.bots.happens(bot, 'in_call_recording')
  await stand.talk(start, 20)
  expect(await stand.sessions.find(start)).toMatchObject({ state: 'live', platform: 'meet', kind: 'meeting' })
  await stand.bots.happens(bot, 'call_ended', 'call_ended_by_host')
  await stand.bots.happens(bot, 'done')
  expect(await stand.sessions.find(start)).toMatchObject({ state: 'ended', endReason: 'left', credits: 500_000 })
  expect(stand.bots.delivered).not.toContain(503)
})

test('a list is turned by when its sessions were begun, also those that are let in later', async () => {
  const { start, bot } = await attended()
  await stand.talk(start, 30)
  await stand.bots.happens(bot, 'in_call_recording')
  const [first] = await stand.sessions.list(start.accountId, { open: false, limit: 1 })
  expect(first!.startedAtMs).toBe(first!.listedAtMs + 30_000)
  const before = { startedAtMs: first!.listedAtMs, id: first!.sessionId }
  expect(await stand.sessions.list(start.accountId, { open: false, limit: 1, before })).toEqual([])
  await stand.sessions.end(start)
})

test('a host who turns the employee out, or lets it not in, ends its attendance', async () => {
  for (const [code, subCode] of [
    ['call_ended', 'bot_kicked_from_call'],
    ['fatal', 'timeout_exceeded_waiting_room'],
  ] as const) {
    const { start, bot } = await attended()
    await stand.bots.happens(bot, 'in_waiting_room')
    await stand.talk(start, 30)
    await stand.bots.happens(bot, code, subCode)
    const ended = { state: 'ended', endReason: 'left', ms: 0, credits: 0 }
    expect(await stand.sessions.find(start)).toMatchObject(ended)
    // Noted so, too
    const noted = async () => (await stand.sessions.list(start.accountId, { open: false, limit: 1 }))[0]
    await until(async () => (await noted())?.state === 'ended')
    expect(await noted()).toMatchObject(ended)
  }
})

test('at zero the bot says that it has to go, and leaves', async () => {
  const { start, bot } = await attended(2)
  await stand.bots.happens(bot, 'in_call_recording')
  await until(async () => bot.chat.length > 0)
  for (let second = 0; second < 60; second += 5) {
    await stand.given.clock.advance(5_000)
    await stand.sessions.alive(start)
  }
  await until(async () => bot.status_changes.at(-1)!.code === 'call_ended')
  expect(bot.chat).toContain('I have to leave this meeting in about a minute.')
  expect(await until(async () => (await stand.sessions.find(start))?.endReason ?? undefined)).toBe('credits')
})

test('a bot that gets in when its session is over is taken out again', async () => {
  const { start, bot } = await attended()
  await stand.sessions.end(start)
  await until(async () => bot.status_changes.at(-1)!.code === 'call_ended')
  // It did not hear of that
  bot.status_changes.length = 1
  await stand.bots.happens(bot, 'in_call_recording')
  expect(await until(async () => bot.status_changes.at(-1)!.code === 'call_ended')).toBe(true)
})

test('events in the older shape, which do not say for whom, are known by their bot', async () => {
  const { start, bot } = await attended()
  const told = (code: string, id = bot.id) =>
    post({ event: 'bot.status_change', data: { bot_id: id, status: { code, sub_code: null } } })
  expect(await told('in_call_recording')).toMatchObject({ body: { outcome: 'heard', session: start.sessionId } })
  expect(await told('call_ended')).toMatchObject({ body: { outcome: 'ended', session: start.sessionId } })
  expect(await told('call_ended', 'a-bot-of-somebody-else')).toMatchObject({
    status: 200,
    body: { outcome: 'unknown_session' },
  })
})

test('events of other things, of states that nobody knows and of other people’s bots change nothing', async () => {
  const { start, bot } = await attended()
  for (const event of [{}, [], { event: 'transcript.done', data: {} }, change('a_state_of_next_year', bot)])
    expect(await post(event)).toMatchObject({ status: 200, body: { outcome: 'ignored' } })
  const foreign = { ...bot, metadata: { tollgate_account: 'nobody', tollgate_session: 'never-was' } }
  expect(await post(change('call_ended', foreign))).toMatchObject({ status: 200, body: { outcome: 'unknown_session' } })
  const hostile = { ...bot, id: 'no-bot', metadata: { tollgate_account: '', tollgate_session: '../../admin' } }
  expect(await post(change('call_ended', hostile))).toMatchObject({ status: 200, body: { outcome: 'unknown_session' } })
  expect(stand.logged).toContain('webhook_unknown_session')
  expect(await stand.sessions.find(start)).toMatchObject({ state: 'starting' })
  await stand.sessions.end(start)
})

test('only what the service signed is heard, and only once', async () => {
  const { start, bot } = await attended()
  const body = JSON.stringify(change('in_call_recording', bot))
  const send = (headers: Readonly<Record<string, string>>) => stand.post('/webhooks/meeting-bot', body, headers)
  const old = new Date(Date.now() - 600_000)
  for (const headers of [
    {},
    stand.signedBy(stand.company.secret, body),
    stand.signedBy(stand.bots.webhookSecret, '{}'),
    stand.signedBy(stand.bots.webhookSecret, body, { at: old }),
  ])
    expect(await send(headers)).toMatchObject({ status: 401, body: { error: { code: 'signature_invalid' } } })
  const genuine = stand.signedBy(stand.bots.webhookSecret, body)
  expect(await send(genuine)).toMatchObject({ status: 200, body: { outcome: 'heard' } })
  expect(await send(genuine)).toMatchObject({ status: 200, body: { outcome: 'repeated' } })
  await stand.sessions.end(start)
})

async function attended(credits = 100): Promise<{ start: SessionStart; bot: Bot }> {
  const meetingUrl = 'https://meet.google.com/abc-defg-hij'
  const start = await stand.caller(credits, { kind: 'meeting', adapter: 'meeting_bot', meetingUrl })
  const begun = await stand.sessions.start(start)
  if (!begun.ok) throw new Error(begun.refusal.message)
  const bot = [...stand.bots.bots.values()].find((each) => each.metadata['tollgate_session'] === start.sessionId)!
  return { start, bot }
}

const change = (code: string, { id, metadata }: Pick<Bot, 'id' | 'metadata'>) => ({
  event: `bot.${code}`,
  data: { data: { code, sub_code: null }, bot: { id, metadata } },
})

async function post(event: object) {
  const body = JSON.stringify(event)
  return stand.post('/webhooks/meeting-bot', body, stand.signedBy(stand.bots.webhookSecret, body))
}
