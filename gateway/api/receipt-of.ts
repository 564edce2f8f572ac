import { z } from '@hono/zod-openapi'
import type { Receipt, ReceiptLine } from '../../credits/receipt.ts'
import { categories, parseRowKey } from '../../credits/usage-row.ts'
import { Instant, instant, Micro } from '../route.ts'
import { unitOf } from './usage-tree.ts'

export const ReceiptAnswer = z
  .object({
    id: z.string(),
    at: Instant,
    state: z.enum(['settled', 'expired']).openapi({
      description: '`expired`: the lease ran out and what was accrued was charged; a later settlement adjusts it once.',
    }),
    outcome: z.string().openapi({ description: 'finished, stopped_at_zero, abandoned, failed or expired' }),
    category: z.enum(categories),
    tier: z.string(),
    model: z.string(),
    provider: z.string(),
    pricedAs: z.string().openapi({ description: 'The model whose price was charged.' }),
    priceVersion: z.string(),
    catalogueVersion: z.string(),
    item: z.string(),
    employeeId: z.string(),
    orgId: z.string(),
    messageId: z.string(),
    session: z.string().openapi({ description: 'The voice call or meeting of which it is a minute.' }),
    task: z.string(),
    purpose: z.string(),
    period: z.int(),
    calledInPeriod: z.int().openapi({ description: 'The period in which the call began.' }),
    tokens: z.object({ input: z.int(), cached: z.int(), output: z.int(), reasoning: z.int() }),
    quantity: z.int(),
    unit: z.string(),
    charged: Micro,
    uncollected: Micro.openapi({ description: 'What it cost beyond what was there; not owed later.' }),
    total: Micro.openapi({ description: 'charged + uncollected; the lines sum to it exactly.' }),
    estimated: z.boolean().openapi({ description: 'The provider reported no usage; Tollgate counted.' }),
    lines: z.array(
      z.object({
        kind: z.string(),
        quantity: z.number(),
        unit: z.string(),
        rate: z
          .string()
          .openapi({ description: 'µcr per unit, exact decimal text; empty where there is no single rate.' }),
        credits: Micro,
      }),
    ),
    startedAt: Instant.nullable(),
    durationMs: z.number().nullable(),
  })
  .openapi('Receipt')
export type ReceiptAnswer = z.infer<typeof ReceiptAnswer>

export function receiptOf(receipt: Receipt): ReceiptAnswer {
  const { row, quantities, detail, charged, uncollected } = receipt
  const { category, tier, model, item, employee, organization } = parseRowKey(row)
  const unit = unitOf(category)
  return {
    id: receipt.id,
    at: instant(receipt.atMs),
    state: receipt.kind,
    outcome: detail?.outcome ?? receipt.kind,
    category,
    tier,
    model,
    provider: detail?.provider ?? '',
    pricedAs: detail?.pricedAs ?? '',
    priceVersion: detail?.priceVersion ?? '',
    catalogueVersion: detail?.catalogueVersion ?? '',
    item,
    employeeId: employee,
    orgId: organization,
    messageId: detail?.messageId ?? '',
    session: detail?.session ?? '',
    task: detail?.task ?? '',
    purpose: detail?.purpose ?? '',
    period: receipt.epoch,
    calledInPeriod: receipt.calledIn,
    tokens: {
      input: quantities.inputTokens,
      cached: quantities.cachedTokens,
      output: quantities.outputTokens,
      reasoning: quantities.reasoningTokens,
    },
    quantity: unit === 'tokens' ? quantities.inputTokens + quantities.outputTokens : quantities.units,
    unit,
    charged,
    uncollected,
    total: charged + uncollected,
    estimated: detail?.estimated ?? true,
    lines: linesOf(receipt).map(({ amount, ...line }) => ({ ...line, credits: amount })),
    startedAt: detail === null ? null : instant(detail.startedAtMs),
    durationMs: detail?.durationMs ?? null,
  }
}

/** The receipt's lines. A lease that ran out has none of its own: what was accrued is all that is known. */
export function linesOf({ detail, charged, uncollected }: Receipt): readonly ReceiptLine[] {
  if (detail !== null) return detail.lines
  const amount = (charged + uncollected) as ReceiptLine['amount']
  return amount === 0 ? [] : [{ kind: 'accrued', quantity: 1, unit: 'call', rate: '', amount }]
}
