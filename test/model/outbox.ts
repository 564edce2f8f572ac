import type { SettleRequest } from './ledger/settle.ts'
import type { Work } from './truth.ts'

/** What a gateway keeps on disk of one settlement or one-shot, until the journal has it. */
export interface OutboxEntry {
  readonly work: Work
  readonly request: SettleRequest
  readonly kind: 'settle' | 'charge'
  /** A success was seen: never refused again. */
  accepted: boolean
  /** Attempts under way: one at a time. */
  sending: number
  appendedAtMs: number
  nextAtMs: number
  waitMs: number
}

export type Outbox = Map<string, OutboxEntry>

export const firstWaitMs = 30_000
