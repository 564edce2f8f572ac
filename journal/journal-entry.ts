import type { InferSelectModel } from 'drizzle-orm'
import type { Micro } from '../credits/money.ts'
import type { Receipt } from '../credits/receipt.ts'
import type { Quantities } from '../credits/usage-row.ts'
import type { entries } from './schema.ts'

/** A receipt as the journal keeps it. */
export interface JournalEntry extends Receipt {
  /** Grows by entry within an account, in commit order. */
  readonly serial: number
  /** What this entry changed. Equals the receipt, but for a `settled` after its `expired`: there it is the difference, which may be negative. */
  readonly added: Added
}

export interface Added extends Quantities {
  readonly charged: number
  readonly uncollected: number
}

export function toEntry(stored: InferSelectModel<typeof entries>): JournalEntry {
  return {
    accountId: stored.accountId,
    id: stored.id,
    kind: stored.kind,
    epoch: stored.epoch,
    calledIn: stored.calledIn,
    row: stored.row,
    quantities: {
      units: stored.units,
      inputTokens: stored.inputTokens,
      cachedTokens: stored.cachedTokens,
      outputTokens: stored.outputTokens,
      reasoningTokens: stored.reasoningTokens,
    },
    charged: stored.charged as Micro,
    uncollected: stored.uncollected as Micro,
    windows: stored.windows as Receipt['windows'][number][],
    lineage: stored.lineage,
    n: stored.n,
    atMs: stored.atMs,
    detail: stored.detail,
    serial: stored.serial,
    added: {
      charged: stored.addedCharged,
      uncollected: stored.addedUncollected,
      units: stored.addedUnits,
      inputTokens: stored.addedInputTokens,
      cachedTokens: stored.addedCachedTokens,
      outputTokens: stored.addedOutputTokens,
      reasoningTokens: stored.addedReasoningTokens,
    },
  }
}
