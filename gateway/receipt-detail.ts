import type { ReceiptDetail, ReceiptLine } from '../credits/receipt.ts'
import type { Resolved } from '../credits/resolve-model.ts'
import type { Attribution } from './attribution.ts'

export type Outcome = 'finished' | 'stopped_at_zero' | 'abandoned' | 'failed'

export interface DetailInput {
  readonly who: Attribution
  readonly model: Pick<Resolved, 'provider' | 'pricedAs'>
  readonly versions: { readonly catalogue: string; readonly prices: string }
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly outcome: Outcome
  readonly estimated: boolean
  readonly lines: readonly ReceiptLine[]
}

/** What the receipt tells of a model call, beside the money. */
export function receiptDetail({
  who,
  model,
  versions,
  startedAtMs,
  endedAtMs,
  outcome,
  estimated,
  lines,
}: DetailInput): ReceiptDetail {
  return {
    messageId: who.messageId,
    task: who.task,
    purpose: who.purpose,
    provider: model.provider,
    pricedAs: model.pricedAs,
    catalogueVersion: versions.catalogue,
    priceVersion: versions.prices,
    startedAtMs,
    durationMs: Math.max(0, endedAtMs - startedAtMs),
    outcome,
    estimated,
    lines,
  }
}
