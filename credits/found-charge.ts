import type { Micro } from './money.ts'
import type { Quantities, RowKey } from './usage-row.ts'

/** What the journal has of one id: the totals of its last entry. `settled` is final; `expired` may still be adjusted, once. */
export interface FoundCharge {
  readonly kind: 'settled' | 'expired'
  readonly charged: Micro
  readonly uncollected: Micro
  readonly quantities: Quantities
  readonly epoch: number
  readonly row: RowKey
  /** `level|window` of each budget that it counts in. */
  readonly windows: readonly string[]
}
