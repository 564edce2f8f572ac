import { z } from '@hono/zod-openapi'
import type { Receipt } from '../../credits/receipt.ts'
import { categories, parseRowKey } from '../../credits/usage-row.ts'
import { Instant, instant, Micro } from '../route.ts'
import { unitOf } from './usage-tree.ts'

export const Debit = z
  .object({
    entryId: z.string().openapi({
      description:
        'Id of the charge: `GET /credits/v1/receipts/{id}`. The same id again replaces what was known of it.',
    }),
    at: Instant,
    orgId: z.string(),
    employeeId: z.string(),
    category: z.enum(categories),
    tier: z.string().optional(),
    model: z.string().optional(),
    item: z.string().optional(),
    quantity: z.int(),
    unit: z.string(),
    credits: Micro,
    uncollected: Micro,
    messageId: z.string().optional(),
    outcome: z.string(),
  })
  .openapi('Debit')
export type Debit = z.infer<typeof Debit>

/** A charge as lists and the feed show it. What does not apply is left out. */
export function debitOf({ id, atMs, row, quantities, charged, uncollected, detail, kind }: Receipt): Debit {
  const { category, tier, model, item, employee, organization } = parseRowKey(row)
  const unit = unitOf(category)
  const messageId = detail?.messageId ?? ''
  return {
    entryId: id,
    at: instant(atMs),
    orgId: organization,
    employeeId: employee,
    category,
    ...(tier === '' ? {} : { tier }),
    ...(model === '' ? {} : { model }),
    ...(item === '' ? {} : { item }),
    quantity: unit === 'tokens' ? quantities.inputTokens + quantities.outputTokens : quantities.units,
    unit,
    credits: charged,
    uncollected,
    ...(messageId === '' ? {} : { messageId }),
    outcome: detail?.outcome ?? kind,
  }
}
