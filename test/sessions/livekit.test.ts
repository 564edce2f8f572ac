import { dispose, Room, RoomEvent } from '@livekit/rtc-node'
import { AccessToken, RoomServiceClient } from 'livekit-server-sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AdaptedSession, AdapterUnavailable, type SessionAdapter } from '../../middleware/sessions/adapter.ts'
import { createLiveKitAdapter } from '../../middleware/sessions/adapters/livekit.ts'
import { roomName, sessionDeclaredBy, sessionOfRoom } from '../../middleware/sessions/adapters/livekit-room.ts'
import { startLiveKit, type RunningLiveKit } from '../stack/livekit.ts'
import { openCuttable } from '../stack/cuttable.ts'
import { until } from '../stack/until.ts'
import { newSession } from './new-session.ts'

let server: RunningLiveKit
let livekit: SessionAdapter
const inside: Room[] = []
beforeAll(async () => {
  server = await startLiveKit()
  livekit = createLiveKitAdapter(server)
})
afterAll(async () => {
  for (const room of inside) await room.disconnect()
  await dispose()
  await server?.stop()
})

test('a participant joins by the token of the session, is seen, and hears that the room is closed', async () => {
  const session = newSession('voice')
  const { ref, platform, join } = await livekit.begin(session)
  expect(platform).toBeNull()
  expect(await livekit.look!(session, ref)).toBe('empty')

  const room = await enter(join!)
  const disconnected = new Promise<unknown>((resolve) => room.once(RoomEvent.Disconnected, resolve))
  await seen(session, ref, 'present')

  await livekit.end(session, ref, 'credits')
  await disconnected
  expect(room.isConnected).toBe(false)
  await seen(session, ref, 'gone')
})

test('a session that begins again has the same room, and whoever is in it stays', async () => {
  const session = newSession('voice')
  const first = await livekit.begin(session)
  const room = await enter(first.join!)
  const again = await livekit.begin(session)
  expect(again.ref).toBe(first.ref)
  expect(room.isConnected).toBe(true)
  await seen(session, first.ref, 'present')
})

test('the user is let in again, later too, in the same place', async () => {
  const session = newSession('voice')
  const { ref, join } = await livekit.begin(session)
  const first = await enter(join!)
  const replaced = new Promise<unknown>((resolve) => first.once(RoomEvent.Disconnected, resolve))
  const again = await enter((await livekit.join!(session, ref))!)
  await replaced
  expect(again.isConnected).toBe(true)
  expect(await livekit.join!(session, 'a room of a company')).toBeNull()
})

test('when the participant leaves, nobody is there; an employee and a recorder do not count as company', async () => {
  const session = newSession('voice')
  const { ref, join } = await livekit.begin(session)
  const room = await enter(join!)
  const machines = [await enter(await asMachine(ref, 'agent')), await enter(await asMachine(ref, 'egress'))]
  await seen(session, ref, 'present')
  await room.disconnect()
  await seen(session, ref, 'empty')
  expect(machines.every(({ isConnected }) => isConnected)).toBe(true)
})

test('whoever is in the room hears how much is left, and for whom the employee works', async () => {
  const session = newSession('voice', { employee: 'ada', organization: 'acme' })
  const { ref, join } = await livekit.begin(session)
  const room = await enter(join!)
  const told = new Promise<unknown>((resolve) =>
    room.once(RoomEvent.DataReceived, (bytes, _from, _kind, topic) =>
      resolve({ topic, ...(JSON.parse(new TextDecoder().decode(bytes)) as object) }),
    ),
  )
  await livekit.warn!(session, ref, 90)
  expect(await told).toEqual({ topic: 'tollgate', event: 'session.warning', secondsLeft: 90 })
  expect(JSON.parse(room.metadata!)).toEqual({
    tollgate: { account: session.accountId, session: session.sessionId, employee: 'ada', organization: 'acme' },
  })
})

test('a room that is gone is ended without complaint', async () => {
  const session = newSession('voice')
  const { ref } = await livekit.begin(session)
  await livekit.end(session, ref, 'requested')
  await livekit.end(session, ref, 'requested')
  expect(await livekit.look!(session, ref)).toBe('gone')
})

test('the rooms of two accounts are two, also where their sessions have one name', async () => {
  const ada = newSession('voice')
  const bob = { ...ada, accountId: `${ada.accountId}:b` }
  expect((await livekit.begin(ada)).ref).not.toBe((await livekit.begin(bob)).ref)
})

test('a room that a company made itself is looked after and closed, but not the next one of its name', async () => {
  const rooms = new RoomServiceClient(server.url, server.apiKey, server.apiSecret)
  const name = `weekly planning ${newSession('voice').sessionId}`
  const first = await rooms.createRoom({ name })
  const session = newSession('voice', { sessionId: first.sid, room: name })
  expect(await livekit.begin(session)).toEqual({ ref: name, platform: null, join: null })
  expect(await livekit.look!(session, name)).toBe('empty')
  await livekit.end(session, name, 'credits')
  expect(await livekit.look!(session, name)).toBe('gone')

  const second = await rooms.createRoom({ name })
  await livekit.end(session, name, 'credits')
  expect(await livekit.look!(session, name)).toBe('gone')
  expect(await rooms.listRooms([name])).toMatchObject([{ sid: second.sid }])
})

test.each([
  ['{"tollgate":{"account":"ada","employee":"researcher","organization":"acme"}}', ['ada', 'researcher', 'acme']],
  ['{"tollgate":{"account":"ada"},"topic":"planning"}', ['ada', '', '']],
  ['{"tollgate":{"employee":"researcher"}}', null],
  ['{"tollgate":"ada"}', null],
  ['no JSON', null],
  ['', null],
])('a room with the metadata %s is for %j', (metadata, who) => {
  const session = sessionDeclaredBy({ sid: 'RM_nPxLgVJGq7wU', metadata })
  expect(session && [session.accountId, session.employee, session.organization]).toEqual(who)
  expect(session?.sessionId ?? 'RM_nPxLgVJGq7wU').toBe('RM_nPxLgVJGq7wU')
})

test.each([
  ['tollgate:7f-3_a:ada', { sessionId: '7f-3_a', accountId: 'ada' }],
  ['tollgate:7f:ada:of:acme@example.com', { sessionId: '7f', accountId: 'ada:of:acme@example.com' }],
  ['tollgate:7f:', null],
  ['tollgate::ada', null],
  ['tollgate', null],
  ['weekly planning', null],
  [`tollgate:${'7'.repeat(65)}:ada`, null],
])('the room %s is that of %j', (name, session) => {
  const found = sessionOfRoom(name)
  expect(found).toEqual(session)
  expect(found === null ? null : roomName(found)).toBe(session === null ? null : name)
})

test('a server that is away, does not answer or does not know the key is told as such', async () => {
  const session = newSession('voice')
  const way = await openCuttable(new URL(server.url.replace('ws:', 'http:')))
  const overIt = createLiveKitAdapter({ ...server, url: way.url, answerWithinSeconds: 1 })
  const { ref } = await overIt.begin(session)
  for (const fault of ['cut', 'silence'] as const) {
    way[fault]()
    await expect(overIt.begin(session)).rejects.toThrow(AdapterUnavailable)
    await expect(overIt.end(session, ref, 'credits')).rejects.toThrow(AdapterUnavailable)
    expect(await overIt.look!(session, ref)).toBe('unknown')
    way.mend()
  }
  way.close()
  const stranger = createLiveKitAdapter({ ...server, apiSecret: 'another secret, as long as the first' })
  await expect(stranger.begin(session)).rejects.toThrow(AdapterUnavailable)
  expect(await stranger.look!(session, ref)).toBe('unknown')
})

async function enter({ url, token }: { readonly url: string; readonly token: string }): Promise<Room> {
  const room = new Room()
  await room.connect(url, token, { autoSubscribe: false, dynacast: false })
  inside.push(room)
  return room
}

async function asMachine(room: string, kind: 'agent' | 'egress'): Promise<{ url: string; token: string }> {
  const token = new AccessToken(server.apiKey, server.apiSecret, { identity: kind })
  token.kind = kind
  token.addGrant({ room, roomJoin: true })
  return { url: server.url, token: await token.toJwt() }
}

/** The server knows of who came and left a moment later than they do. */
function seen(session: AdaptedSession, ref: string, what: string): Promise<boolean> {
  return until(async () => (await livekit.look!(session, ref)) === what)
}
