import { z } from 'zod'
import { isSessionId } from '../../../credits/session/minutes.ts'
import type { AdaptedSession } from '../adapter.ts'

/** Whose call takes place in a room. */
export interface RoomSession {
  readonly accountId: string
  readonly sessionId: string
}

/** A call in a room that a company made itself, and whose metadata says for whom. */
export interface DeclaredSession extends RoomSession {
  readonly employee: string
  readonly organization: string
}

const prefix = 'tollgate'

/** The room of a session: repeated, the same one. With the longest ids it has 202 of the 256 characters that a room's name may have. */
export function roomName({ accountId, sessionId }: RoomSession): string {
  return `${prefix}:${sessionId}:${accountId}`
}

/** Whose a room of Tollgate's own is; null for any other. The name alone tells: a room that was made anew by an old token has no metadata. */
export function sessionOfRoom(name: string): RoomSession | null {
  const [, sessionId, accountId] = /^tollgate:([\w-]+):(.+)$/.exec(name) ?? []
  if (sessionId === undefined || accountId === undefined || !isSessionId(sessionId)) return null
  return { accountId, sessionId }
}

/** What everybody in the room may read: the employee's program finds there for whom it works. */
export function roomMetadata({ accountId, sessionId, employee, organization }: AdaptedSession): string {
  return JSON.stringify({ [prefix]: { account: accountId, session: sessionId, employee, organization } })
}

const declared = z.object({
  [prefix]: z.object({
    account: z.string().min(1).max(128),
    employee: z.string().max(128).default(''),
    organization: z.string().max(128).default(''),
  }),
})

/**
 * The session that a room's metadata declares, `{"tollgate": {"account": …, "employee": …, "organization": …}}`; null when it declares none. Its id is the server's for this room, which a
 * later one of the same name does not share.
 */
export function sessionDeclaredBy(room: { readonly sid: string; readonly metadata: string }): DeclaredSession | null {
  const found = declared.safeParse(parsed(room.metadata))
  if (!found.success || !isSessionId(room.sid)) return null
  const { account, employee, organization } = found.data[prefix]
  return { accountId: account, sessionId: room.sid, employee, organization }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
