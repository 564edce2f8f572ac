import type { AdapterName, SessionKind } from '../../credits/session/session.ts'
import type { SessionAdapters } from './adapter.ts'

const usual: Readonly<Record<SessionKind, AdapterName>> = { voice: 'livekit', meeting: 'meeting_bot' }

/** What a session runs on when nobody says so: what is set up for its kind, else the page. */
export function usualAdapter(kind: SessionKind, adapters: SessionAdapters): AdapterName {
  return adapters[usual[kind]] === undefined ? 'browser' : usual[kind]
}
