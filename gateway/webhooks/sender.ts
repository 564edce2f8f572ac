import type { SessionAdapters } from '../../middleware/sessions/adapter.ts'
import type { Sessions } from '../../middleware/sessions/sessions.ts'

/** What became of an event. Whoever sends it is done with it, whatever it was. */
export type Heard =
  | { readonly outcome: 'heard'; readonly session: string }
  /** The session is over, by this event or before it. */
  | { readonly outcome: 'ended'; readonly session: string }
  /** Nothing that concerns a session. */
  | { readonly outcome: 'ignored' }
  /** It has no such session, or not here: several gateways may hear one server. */
  | { readonly outcome: 'unknown_session'; readonly session: string }
  /** The session that it asks for cannot begin. */
  | { readonly outcome: 'refused'; readonly code: string; readonly message: string }

/** A system that tells by signed events how sessions go. */
export interface Sender {
  /** Whether the event came from it; the body is as it came. */
  isGenuine(body: string, headers: Headers): Promise<boolean>
  /** By which an event that is sent again is known. */
  idOf(event: unknown, headers: Headers): string
  hear(event: unknown): Promise<Heard>
}

export interface SenderDeps {
  readonly sessions: Pick<Sessions, 'start' | 'alive' | 'letIn' | 'end' | 'findByRef'>
  readonly adapters: SessionAdapters
}
