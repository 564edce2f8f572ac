import { z } from '@hono/zod-openapi'
import { type Api, Id, Instant, instant, json, userRoute } from '../route.ts'
import type { ApiDeps } from './deps.ts'
import { readAccount } from './reading.ts'
import { usageFigures } from './usage-figures.ts'
import { creditsOf, groupings, labelsOf, usageTree } from './usage-tree.ts'

/** Signed: a later adjustment of another period's charge may be booked where it did not begin. */
const Credits = z.int().openapi({ description: 'Micro-credits, an exact integer.', example: 4_200_000 })

const lineFields = {
  key: z
    .string()
    .openapi({ description: 'Stable; `ai_usage/fast/<model>` and so on. Empty: what has no such attribute.' }),
  label: z.string(),
  credits: Credits,
  quantity: z.int().nullable().openapi({ description: 'null where the line adds up unlike things.' }),
  unit: z.string().openapi({ description: 'tokens, ms, tasks or calls' }),
  local: z.boolean().optional().openapi({ description: 'A local model: metered, AI not charged.' }),
}
const ModelLine = z.object(lineFields).openapi('UsageModelLine')
const TierLine = z.object({ ...lineFields, children: z.array(ModelLine).optional() }).openapi('UsageSubLine')
const UsageLine = z.object({ ...lineFields, children: z.array(TierLine).optional() }).openapi('UsageLine')

export const Usage = z
  .object({
    ledgerVersion: z.int().openapi({ description: '`version` of the balance that these figures include.' }),
    from: Instant,
    to: Instant,
    timeZone: z.string(),
    groupBy: z.enum(groupings),
    total: Credits,
    rows: z.array(UsageLine),
    days: z
      .array(z.object({ day: z.string(), byKey: z.record(z.string(), Credits) }))
      .nullable()
      .openapi({ description: 'Days of the billing zone; they sum to `total`. null while the journal is away.' }),
  })
  .openapi('Usage')

const day = z.iso.date().openapi({ example: '2026-11-14' })

const route = userRoute({
  method: 'get',
  path: '/credits/v1/usage',
  summary: 'Where credits went',
  description:
    'By default the current period, live. `period` names another one by its number (see the history); `from` and `to` (billing days, both included, at most 92) ask for a range. ' +
    'Grouped by category it is a tree: category, tier, model. The current period goes on while Temporal or the journal are away (then without `days`).',
  request: {
    query: z.object({
      period: z.coerce.number().int().min(1).optional(),
      from: day.optional(),
      to: day.optional(),
      groupBy: z.enum(groupings).default('category'),
      organization: Id.optional(),
      employee: Id.optional(),
    }),
  },
  responses: { 200: json(Usage, 'Usage') },
})

export function usageRoutes(app: Api, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const { accountId } = c.get('user')
    const { groupBy, ...selection } = c.req.valid('query')
    const figures = await usageFigures(deps, accountId, selection, groupBy)
    const { card } = await readAccount(deps, accountId)
    const rows = usageTree(figures.rows, groupBy, labelsOf(deps.catalogue, card.employees))
    return c.json(
      {
        ledgerVersion: figures.version,
        from: instant(figures.fromMs),
        to: instant(figures.toMs),
        timeZone: figures.timeZone,
        groupBy,
        total: creditsOf(figures.rows),
        rows: rows as z.infer<typeof UsageLine>[],
        days: figures.days as { day: string; byKey: Record<string, number> }[] | null,
      },
      200,
    )
  })
}
