import type { Micro } from './money.ts'
import type { Level } from './terms.ts'

/** Why work may not start or go on. A value, never an exception: each door translates it once. */
export type Refusal =
  | { readonly kind: 'credits_depleted' }
  | { readonly kind: 'insufficient_credits'; readonly needed: Micro; readonly available: Micro }
  | { readonly kind: 'budget_exhausted'; readonly level: Level; readonly left: Micro }
  | { readonly kind: 'backlogged' }
  | { readonly kind: 'ledger_unavailable'; readonly reason: string }
  /** The end of the work could not be noted on disk, so it must not start. */
  | { readonly kind: 'outbox_unavailable'; readonly reason: string }
  | { readonly kind: 'account_unknown' }
  | { readonly kind: 'id_conflict' }
  | { readonly kind: 'already_charged'; readonly charged: Micro }
