import type { ChargeId } from './charge-id.ts'
import type { Micro } from './money.ts'
import type { Quantities, RowKey } from './usage-row.ts'
import type { Level } from './terms.ts'

/** One line of a receipt; the lines sum exactly to `charged + uncollected`. */
export interface ReceiptLine {
  /** input | cached_input | cache_write | output | reasoning | audio_input | audio_output | … | fixed */
  readonly kind: string
  readonly quantity: number
  readonly unit: string
  /** µcr per unit as exact decimal text; '' where there is no single rate. */
  readonly rate: string
  readonly amount: Micro
}

/** What the one who settles knows of the work; the ledger carries it as opaque JSON. */
export interface ReceiptDetail {
  /** Chat message that the work answers; '' when none was named. */
  readonly messageId: string
  /** The call or meeting of which it is a minute; absent on everything else. */
  readonly session?: string
  readonly task: string
  readonly purpose: string
  /** The provider that answered, e.g. `practice`. */
  readonly provider: string
  /** `provider/model` whose price was charged: for the practice provider, the model it stands for. Of images, the activity. */
  readonly pricedAs: string
  readonly catalogueVersion: string
  readonly priceVersion: string
  readonly startedAtMs: number
  readonly durationMs: number
  /** finished | stopped_at_zero | abandoned | failed | expired */
  readonly outcome: string
  /** true when the provider did not report usage and Tollgate counted. */
  readonly estimated: boolean
  readonly lines: readonly ReceiptLine[]
}

/** A final fact about one charge, as the settling script wrote it: the stream carries it, the journal keeps it. */
export interface Receipt {
  readonly accountId: string
  readonly id: ChargeId
  /** `expired`: charged what was accrued when the lease ran out; a later `settled` of the same id adjusts it. */
  readonly kind: 'settled' | 'expired'
  /** The period in which it is booked, and the one in which the call began. */
  readonly epoch: number
  readonly calledIn: number
  readonly row: RowKey
  /** Totals of the id, not deltas. */
  readonly quantities: Quantities
  readonly charged: Micro
  readonly uncollected: Micro
  /** `level|window` of every budget it counts in. */
  readonly windows: readonly `${Level}|${string}`[]
  readonly lineage: number
  readonly n: number
  /** Redis time of the settlement, ms. */
  readonly atMs: number
  /** null on `expired`: nobody was left to tell. */
  readonly detail: ReceiptDetail | null
}
