import type { Alert, Balance, Debit, Session } from '../api/shapes.ts'

/** What the feed tells (GET /credits/v1/feed). */
export type FeedEvent =
  | { readonly event: 'balance'; readonly data: Balance }
  | { readonly event: 'debit'; readonly data: Debit }
  | { readonly event: 'alert'; readonly data: Alert }
  | { readonly event: 'session'; readonly data: Session }
  | { readonly event: 'grant' | 'budget' | 'period'; readonly data: unknown }

/**
 * `connecting`: nothing was heard yet. `live`: heard within ten seconds. `stale`: nothing for ten seconds; what is shown was true then. `offline`: it keeps failing.
 */
export type FeedStatus = 'connecting' | 'live' | 'stale' | 'offline'

export interface FeedState {
  readonly status: FeedStatus
  /** When anything was heard last, ms; null before the first time. */
  readonly heardAtMs: number | null
}
