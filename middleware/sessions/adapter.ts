import type { AdapterName, EndReason, Platform, SessionKind } from '../../credits/session/session.ts'

/** Who is there: somebody, or one who has yet to be let in, or nobody; `unknown` while the media server does not answer. */
export type Presence = 'waiting' | 'present' | 'empty' | 'gone' | 'unknown'

/** What a session runs on: a room, a bot in a meeting, or a system of the customer's. */
export interface SessionAdapter {
  /** Makes the room or sends the bot. Repeated with the same session it is the same room. Throws AdapterUnavailable when it cannot be done now, AdapterRefused when it never can. */
  begin(session: AdaptedSession): Promise<AdapterBegun>
  /** Adapters whose clients send heartbeats themselves have none. */
  look?(session: AdaptedSession, ref: string): Promise<Presence>
  /** What the user needs to take part, anew, where what `begin` told runs out after a while. */
  join?(session: AdaptedSession, ref: string): Promise<AdapterBegun['join']>
  /** So little is left that the session ends soon: tells those in it, where that is possible. */
  warn?(session: AdaptedSession, ref: string, secondsLeft: number): Promise<void>
  /** Closes the room, takes the bot out. Repeated, or when it is gone already, it does nothing. */
  end(session: AdaptedSession, ref: string, reason: EndReason): Promise<void>
}

export interface AdaptedSession {
  readonly accountId: string
  readonly sessionId: string
  readonly kind: SessionKind
  readonly employee: string
  readonly organization: string
  /** Of a meeting that somebody else holds. */
  readonly meetingUrl: string | null
  /** A room that is there already, made by somebody else, whose call this is. */
  readonly room?: string
}

export interface AdapterBegun {
  /** How the adapter finds it again: room name, bot id. Kept in the journal. */
  readonly ref: string
  readonly platform: Platform | null
  /** Somebody has to let it in, and `look` tells when. */
  readonly waits?: true
  /** What the user needs to take part, told once. */
  readonly join: { readonly url: string; readonly token: string } | null
}

/** Those that are configured here. */
export type SessionAdapters = Readonly<Partial<Record<AdapterName, SessionAdapter>>>

/** The media server or bot service does not answer: later it may. */
export class AdapterUnavailable extends Error {
  override readonly name = 'AdapterUnavailable'
}

/** It never can be done so. The message is for the user. */
export class AdapterRefused extends Error {
  override readonly name = 'AdapterRefused'
}
