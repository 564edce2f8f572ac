import type { Hold, Work } from '../middleware/gate.ts'
import type { CallMetrics } from './deps.ts'
import type { Outcome } from './receipt-detail.ts'

/**
 * Settles the hold of a call and tells the metrics of it. Resolves when the settlement is noted: only then may the caller hear the end of its answer.
 * Never rejects.
 */
export function settleCall(metrics: CallMetrics | undefined, hold: Hold, outcome: Outcome, work: Work): Promise<void> {
  const { noted, settled } = hold.settle(work)
  const endedAt = performance.now()
  settled.then(
    ({ charged, uncollected }) =>
      metrics?.ended({
        outcome,
        row: work.row,
        quantities: work.quantities,
        chargedMicro: charged,
        uncollectedMicro: uncollected,
        settledMs: performance.now() - endedAt,
      }),
    // The gate has told of it.
    () => undefined,
  )
  return noted
}
