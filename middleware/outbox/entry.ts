import type { OutboxLog } from './log.ts'
import type { Segment } from './segment.ts'

/**
 * A record that is still needed, without its body: that is on disk, and read back for a replay. There may be hundreds of thousands of these
 * while the journal is away.
 */
export interface Entry {
  /** See `keyOf`. */
  readonly key: string
  readonly kind: 'settle' | 'charge'
  readonly log: OutboxLog
  readonly notedAtMs: number
  /** Of a charge: a success was heard. */
  accepted: boolean
  /** What the ledger has said in the life that it has now. */
  answer: 'none' | 'given' | 'no_account'
  /** Waits for its turn to be sent again. */
  queued: boolean
  /** Not needed any more. */
  gone: boolean
  /** The last time; 0 before it is followed. */
  sentAtMs: number
  /** Where its line is; null until it is written. */
  segment: Segment | null
  offset: number
  bytes: number
}

/** An id is only unique within its account. */
export function keyOf({ accountId, id }: { readonly accountId: string; readonly id: string }): string {
  return `${id} ${accountId}`
}

/** The inverse of `keyOf`: ids have no spaces. */
export function nameOf({ key }: Pick<Entry, 'key'>): { readonly accountId: string; readonly id: string } {
  const at = key.indexOf(' ')
  return { accountId: key.slice(at + 1), id: key.slice(0, at) }
}
