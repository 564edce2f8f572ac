import { dispose, Room, RoomEvent } from '@livekit/rtc-node'
import { AccessToken, RoomServiceClient } from 'livekit-server-sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { roomName } from '../../middleware/sessions/adapters/livekit-room.ts'
import { until } from '../stack/until.ts'
import { openWebhooksStand, type WebhooksStand } from './webhooks-stand.ts'

let stand: WebhooksStand
let rooms: RoomServiceClient
const inside: Room[] = []
beforeAll(async () => {
  stand = await openWebhooksStand()
  rooms = new RoomServiceClient(stand.livekit.url, stand.livekit.apiKey, stand.livekit.apiSecret)
})
afterAll(async () => {
  for (const room of inside) await room.disconnect()
  await dispose()
  await stand?.close()
})

test('a call lasts from the start to when its last person leaves', async () => {
  const start = await stand.caller(100, { adapter: 'livekit' })
  const begun = await stand.sessions.start(start)
  if (!begun.ok) throw new Error(begun.refusal.message)
  const room = await enter(begun.join!)
  await heard('participant_joined', 'heard')
  expect(await stand.sessions.find(start)).toMatchObject({ state: 'live', adapter: 'livekit' })
  await room.disconnect()
  expect(await ended(start)).toMatchObject({ endReason: 'left' })
})

test('at zero the room is closed, and whoever is in it hears so', async () => {
  const start = await stand.caller(10, { adapter: 'livekit' })
  const begun = await stand.sessions.start(start)
  if (!begun.ok) throw new Error(begun.refusal.message)
  const room = await enter(begun.join!)
  const warned = new Promise<unknown>((resolve) =>
    room.once(RoomEvent.DataReceived, (bytes) => resolve(JSON.parse(new TextDecoder().decode(bytes)))),
  )
  const disconnected = new Promise<unknown>((resolve) => room.once(RoomEvent.Disconnected, resolve))
  await stand.talk(start, 180)
  await disconnected
  expect(await warned).toMatchObject({ event: 'session.warning' })
  expect(await stand.sessions.find(start)).toMatchObject({ state: 'ended', endReason: 'credits', credits: 9_000_000 })
})

test('an old token does not open the room of a call that is over again', async () => {
  const start = await stand.caller(100, { adapter: 'livekit' })
  const begun = await stand.sessions.start(start)
  if (!begun.ok) throw new Error(begun.refusal.message)
  await stand.sessions.end(start)
  await until(async () => (await rooms.listRooms([roomName(start)])).length === 0)
  const again = new Room()
  const disconnected = new Promise<unknown>((resolve) => again.once(RoomEvent.Disconnected, resolve))
  await again.connect(begun.join!.url, begun.join!.token, { autoSubscribe: false, dynacast: false })
  await disconnected
  expect(await until(async () => (await rooms.listRooms([roomName(start)])).length === 0)).toBe(true)
  expect(await stand.sessions.find(start)).toMatchObject({ state: 'ended', credits: 0 })
})

test('in a room that a company made itself the first person begins a call, and the last one ends it', async () => {
  const { accountId } = await stand.caller(100)
  const { sid, name } = await companyRoom(accountId)
  const call = { accountId, sessionId: sid }
  await enter(await tokenFor(name, 'the-employee', 'agent'))
  const first = await enter(await tokenFor(name, 'ada'))
  await until(async () => (await stand.sessions.find(call))?.state === 'live')
  expect(await stand.sessions.find(call)).toMatchObject({
    kind: 'voice',
    adapter: 'livekit',
    employee: 'researcher',
    organization: 'acme',
  })
  const second = await enter(await tokenFor(name, 'bob'))
  await first.disconnect()
  await heard('participant_left', 'ignored')
  expect(await stand.sessions.find(call)).toMatchObject({ state: 'live' })
  await second.disconnect()
  expect(await ended(call)).toMatchObject({ endReason: 'left' })
})

test('without credits nobody stays in such a room, and it costs nothing', async () => {
  const { accountId } = await stand.caller(2)
  const { sid, name } = await companyRoom(accountId)
  const room = new Room()
  const disconnected = new Promise<unknown>((resolve) => room.once(RoomEvent.Disconnected, resolve))
  const { url, token } = await tokenFor(name, 'ada')
  await room.connect(url, token, { autoSubscribe: false, dynacast: false })
  await disconnected
  await heard('participant_joined', 'refused')
  expect(await stand.sessions.find({ accountId, sessionId: sid })).toBeNull()
  expect(await stand.given.ledger.read(accountId)).toMatchObject({ spent: 0, held: 0 })
})

test('a room of an account that is not here is left alone: another gateway may have the same server', async () => {
  const { name } = await companyRoom('an-account-of-another-gateway')
  const room = await enter(await tokenFor(name, 'ada'))
  await until(async () => stand.logged.includes('webhook_refused'))
  expect(await rooms.listRooms([name])).toHaveLength(1)
  expect(room.isConnected).toBe(true)
})

test('rooms that concern no session, and what happens in them, are ignored', async () => {
  const name = 'a room of somebody else'
  await rooms.createRoom({ name, metadata: 'no JSON' })
  await enter(await tokenFor(name, 'ada'))
  await heard('participant_joined', 'ignored')
  expect(await rooms.listRooms([name])).toHaveLength(1)
})

test('a room that the server closes, since nobody came, ends its call', async () => {
  const start = await stand.caller(100, { adapter: 'livekit' })
  await stand.sessions.start(start)
  await rooms.deleteRoom(roomName(start))
  expect(await ended(start)).toMatchObject({ endReason: 'left', credits: 0 })
})

test('a broken connection is no end: whoever had it may come back', async () => {
  const start = await stand.caller(100, { adapter: 'livekit' })
  await stand.sessions.start(start)
  expect(await told(left(start, 'SIGNAL_CLOSE'))).toMatchObject({ status: 200, body: { outcome: 'ignored' } })
  expect(await stand.sessions.find(start)).toMatchObject({ state: 'live' })
  expect(await told(left(start, 'CLIENT_INITIATED'))).toMatchObject({ status: 200, body: { outcome: 'ended' } })
  expect(await stand.sessions.find(start)).toMatchObject({ state: 'ended', endReason: 'left' })
})

test('an event that comes again changes nothing', async () => {
  const start = await stand.caller(100, { adapter: 'livekit' })
  await stand.sessions.start(start)
  const joined = { event: 'participant_joined', id: 'EV_1', room: { name: roomName(start) }, participant: {} }
  const body = JSON.stringify(joined)
  const headers = await stand.signedByLiveKit(body)
  const post = () => stand.post('/webhooks/livekit', body, headers)
  expect(await post()).toMatchObject({ status: 200, body: { outcome: 'heard', session: start.sessionId } })
  const { record } = await stand.given.ledger.session({ ...start, act: 'read' })
  await stand.given.clock.advance(5_000)
  expect(await post()).toMatchObject({ status: 200, body: { outcome: 'repeated' } })
  expect((await stand.given.ledger.session({ ...start, act: 'read' })).record!.aliveAtMs).toBe(record!.aliveAtMs)
  await stand.sessions.end(start)
})

test('a call that nobody knows is answered, and told in the log', async () => {
  const nobody = { accountId: 'nobody', sessionId: 'never-was' }
  expect(await told({ event: 'room_finished', id: '', room: { name: roomName(nobody) } })).toMatchObject({
    status: 200,
    body: { outcome: 'unknown_session', session: 'never-was' },
  })
  expect(stand.logged).toContain('webhook_unknown_session')
})

test.each<[string, (body: string) => Promise<Record<string, string>>]>([
  ['nothing', async () => ({})],
  ['another secret', (body) => stand.signedByLiveKit(body, 'a-secret-that-somebody-made-up-himself')],
  ['the signature of another event', () => stand.signedByLiveKit('{"event":"room_started"}')],
  ['no token', async () => ({ authorization: 'Bearer yes' })],
])('an event with %s is refused, and nothing happens', async (_what, headersOf) => {
  const start = await stand.caller(100, { adapter: 'livekit' })
  await stand.sessions.start(start)
  const body = JSON.stringify({ event: 'room_finished', room: { name: roomName(start) } })
  expect(await stand.post('/webhooks/livekit', body, await headersOf(body))).toMatchObject({
    status: 401,
    body: { error: { code: 'signature_invalid' } },
  })
  expect(await stand.sessions.find(start)).toMatchObject({ state: 'live' })
  await stand.sessions.end(start)
})

test('an event that is too long, or no event, is refused', async () => {
  expect(await stand.post('/webhooks/livekit', 'x'.repeat(70_000))).toMatchObject({
    status: 413,
    body: { error: { code: 'body_too_large' } },
  })
  for (const body of ['"', '[]', '{"event":7}'])
    expect(await stand.post('/webhooks/livekit', body, await stand.signedByLiveKit(body))).toMatchObject({
      status: 401,
    })
})

async function told(event: object) {
  const body = JSON.stringify(event)
  return stand.post('/webhooks/livekit', body, await stand.signedByLiveKit(body))
}

const left = (call: { accountId: string; sessionId: string }, disconnectReason: string) => ({
  event: 'participant_left',
  id: '',
  room: { name: roomName(call) },
  participant: { identity: 'ada', disconnectReason },
})

async function enter({ url, token }: { readonly url: string; readonly token: string }): Promise<Room> {
  const room = new Room()
  await room.connect(url, token, { autoSubscribe: false, dynacast: false })
  inside.push(room)
  return room
}

async function companyRoom(account: string): Promise<{ sid: string; name: string }> {
  const metadata = JSON.stringify({ tollgate: { account, employee: 'researcher', organization: 'acme' } })
  const { sid, name } = await rooms.createRoom({ name: `planning of ${account}`, metadata })
  return { sid, name }
}

async function tokenFor(room: string, identity: string, kind = 'standard') {
  const token = new AccessToken(stand.livekit.apiKey, stand.livekit.apiSecret, { identity })
  token.kind = kind
  token.addGrant({ room, roomJoin: true })
  return { url: stand.livekit.url, token: await token.toJwt() }
}

function heard(event: string, outcome: string): Promise<boolean> {
  return until(async () => stand.answered.some((each) => each.event === event && each.outcome === outcome))
}

function ended(call: { readonly accountId: string; readonly sessionId: string }) {
  return until(async () => {
    const found = await stand.sessions.find(call)
    return found?.state === 'ended' ? found : undefined
  })
}
