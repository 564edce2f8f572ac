import { createHash } from 'node:crypto'
import { WebhookReceiver } from 'livekit-server-sdk'
import { z } from 'zod'
import type { AdaptedSession } from '../../middleware/sessions/adapter.ts'
import {
  type DeclaredSession,
  sessionDeclaredBy,
  sessionOfRoom,
} from '../../middleware/sessions/adapters/livekit-room.ts'
import { ApiError } from '../error.ts'
import { beginOrRefuse } from './begin-or-refuse.ts'
import type { Sender, SenderDeps } from './sender.ts'

export interface LiveKitKeys {
  readonly apiKey: string
  readonly apiSecret: string
}

const Event = z.object({
  event: z.string(),
  id: z.string().max(200).default(''),
  room: z.object({ name: z.string(), sid: z.string().default(''), metadata: z.string().default('') }).optional(),
  participant: z.object({ kind: z.string().default('STANDARD'), disconnectReason: z.string().default('') }).optional(),
})

/** Those who are nobody: agents (employees among them), recorders, feeds. */
const machines: readonly string[] = ['AGENT', 'EGRESS', 'INGRESS']
/** Whoever goes by choice does not come back; a connection that broke may, and the session waits for it. */
const leavings: readonly string[] = ['CLIENT_INITIATED', 'PARTICIPANT_REMOVED']

/**
 * A LiveKit server: who joins a room and leaves it. The first person in a room that a company made itself, and whose metadata says for whom, begins a session; in a room whose session is over nobody stays,
 * since an old token makes it anew.
 */
export function createLiveKitSender({ apiKey, apiSecret }: LiveKitKeys, { sessions, adapters }: SenderDeps): Sender {
  const receiver = new WebhookReceiver(apiKey, apiSecret)
  const adapter = adapters.livekit!

  return {
    isGenuine: (body, headers) =>
      receiver.receive(body, headers.get('authorization') ?? '').then(
        () => true,
        () => false,
      ),
    idOf(event) {
      const id = Event.safeParse(event).data?.id ?? ''
      return id !== '' ? id : createHash('sha256').update(JSON.stringify(event)).digest('hex')
    },
    async hear(told) {
      const parsed = Event.safeParse(told)
      if (!parsed.success) throw new ApiError('invalid_request', z.prettifyError(parsed.error))
      const { event, room, participant } = parsed.data
      if (room === undefined || machines.includes(participant?.kind ?? '')) return { outcome: 'ignored' }
      const declared = sessionDeclaredBy(room)
      const name = sessionOfRoom(room.name) ?? declared
      if (name === null) return { outcome: 'ignored' }
      const { accountId, sessionId } = name
      const session: AdaptedSession = { ...about(declared), accountId, sessionId }
      switch (event) {
        case 'participant_joined': {
          const alive = await sessions.alive(name)
          if (alive !== null) {
            if (alive.state !== 'ended') return { outcome: 'heard', session: sessionId }
            await adapter.end(session, room.name, 'left')
            return { outcome: 'ended', session: sessionId }
          }
          if (name !== declared) return { outcome: 'unknown_session', session: sessionId }
          const answer = await beginOrRefuse(sessions, {
            ...session,
            message: '',
            adapter: 'livekit',
            room: room.name,
          })
          // Of another gateway's accounts, which may have the same server, nothing is known here
          if (answer.outcome === 'refused' && answer.code !== 'account_unknown')
            await adapter.end(session, room.name, 'credits')
          return answer
        }
        case 'participant_left': {
          if (!leavings.includes(participant?.disconnectReason ?? '')) return { outcome: 'ignored' }
          const left = await adapter.look!(session, room.name)
          return left === 'empty' || left === 'gone' ? end() : { outcome: 'ignored' }
        }
        case 'room_finished':
          return end()
        default:
          return { outcome: 'ignored' }
      }

      async function end() {
        const ended = await sessions.end(name!, 'left')
        return { outcome: ended === null ? 'unknown_session' : 'ended', session: sessionId } as const
      }
    },
  }
}

function about(declared: DeclaredSession | null) {
  const { employee = '', organization = '' } = declared ?? {}
  return { kind: 'voice', employee, organization, meetingUrl: null } as const
}
