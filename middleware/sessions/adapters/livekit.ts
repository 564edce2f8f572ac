import { AccessToken, DataPacket_Kind, RoomServiceClient, ServerError } from 'livekit-server-sdk'
import { type AdaptedSession, AdapterUnavailable, type SessionAdapter } from '../adapter.ts'
import { roomMetadata, roomName, sessionOfRoom } from './livekit-room.ts'

export interface LiveKitOptions {
  /** Where clients reach the server, `wss://…`: its API is at the same address. */
  readonly url: string
  readonly apiKey: string
  readonly apiSecret: string
  readonly answerWithinSeconds?: number
}

/** A room that nobody has come to, and one that everybody has left, are closed by the server after so long. */
const emptySeconds = 60
const departureSeconds = 20
/** A token is for joining: who is in the room gets fresh ones from the server. */
const tokenSeconds = 600
/** Recorders and feeds are no company, and an employee is not left with itself. Of the protocol's `ParticipantInfo.Kind`, which the SDK does not export. */
const machines: readonly number[] = [1, 2, 4]

/** What clients hear by the data channel, as JSON, under this topic. */
const topic = 'tollgate'

/** Voice calls in rooms of a LiveKit server. */
export function createLiveKitAdapter({
  url,
  apiKey,
  apiSecret,
  answerWithinSeconds = 5,
}: LiveKitOptions): SessionAdapter {
  const rooms = new RoomServiceClient(url, apiKey, apiSecret, { requestTimeout: answerWithinSeconds })
  return {
    async begin(session) {
      if (session.room !== undefined) return { ref: session.room, platform: null, join: null }
      const name = roomName(session)
      const room = { name, emptyTimeout: emptySeconds, departureTimeout: departureSeconds }
      await asked(rooms.createRoom({ ...room, metadata: roomMetadata(session) }))
      return { ref: name, platform: null, join: await wayInto(session, name) }
    },
    // Into a room of its own a company lets whom it likes
    join: async (session, room) => (sessionOfRoom(room) === null ? null : wayInto(session, room)),
    async look(session, room) {
      try {
        const inside = await rooms.listParticipants(room)
        const seen = inside.some(({ kind }) => !machines.includes(kind)) ? 'present' : 'empty'
        // A thousand calls are looked at every few seconds: most of them with one question
        if (seen === 'present' && sessionOfRoom(room) !== null) return seen
        return (await isStillThere(session, room)) ? seen : 'gone'
      } catch {
        return 'unknown'
      }
    },
    async warn(_session, room, secondsLeft) {
      const told = new TextEncoder().encode(JSON.stringify({ event: 'session.warning', secondsLeft }))
      await asked(rooms.sendData(room, told, DataPacket_Kind.RELIABLE, { topic }))
    },
    async end(session, room) {
      if (await asked(isStillThere(session, room))) await asked(rooms.deleteRoom(room).catch(unlessGone))
    },
  }

  /** A room of somebody else's may come again under its name, as another one: the session has the id of the first. */
  async function isStillThere({ sessionId }: AdaptedSession, name: string): Promise<boolean> {
    const [room] = await rooms.listRooms([name])
    return room !== undefined && (sessionOfRoom(name) !== null || room.sid === sessionId)
  }

  /** The user of the account, as whom nobody else can be in the room: a second tab takes the first one's place. */
  async function wayInto({ accountId }: AdaptedSession, room: string): Promise<{ url: string; token: string }> {
    const token = new AccessToken(apiKey, apiSecret, { identity: accountId, ttl: tokenSeconds })
    token.addGrant({ room, roomJoin: true, canPublish: true, canSubscribe: true, canPublishData: true })
    return { url: url.replace(/^http/, 'ws'), token: await token.toJwt() }
  }
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ServerError && error.code === 'not_found')) throw error
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    const said = error instanceof Error ? error.message : String(error)
    throw new AdapterUnavailable(`the LiveKit server did not do it: ${said}`, { cause: error })
  })
}
