import { z } from '@hono/zod-openapi'
import { percentUsed } from '../../credits/level.ts'
import { less } from '../../credits/money.ts'
import { type Api, Instant, instant, json, Micro, userRoute } from '../route.ts'
import { balanceOf } from './balance-of.ts'
import { periodLabel } from './billing-days.ts'
import type { ApiDeps } from './deps.ts'
import { accepted, readAccount } from './reading.ts'

export const History = z
  .object({
    timeZone: z.string(),
    items: z.array(
      z.object({
        period: z.int().openapi({ description: 'As `GET /credits/v1/usage?period=` takes it.' }),
        label: z.string().openapi({ example: 'November 2026' }),
        from: Instant,
        to: Instant,
        used: Micro,
        granted: Micro.openapi({ description: 'What was granted for this period alone: plan and packs.' }),
        percentUsed: z
          .string()
          .nullable()
          .openapi({ description: 'Of `total`; only of the current period.', example: '24%' }),
        total: Micro.nullable().openapi({
          description: 'Money of the period with carried bonuses; only of the current period.',
        }),
        current: z.boolean(),
      }),
    ),
    next: z.null(),
  })
  .openapi('History')

const route = userRoute({
  method: 'get',
  path: '/credits/v1/history',
  summary: 'Usage by period, newest first',
  description: 'Earlier periods are the account workflow’s: 503 `temporal_unavailable` while Temporal is away.',
  responses: { 200: json(History, 'Periods') },
})

export function historyRoutes(app: Api, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const { accountId } = c.get('user')
    const { view } = accepted(await deps.accounts.view(accountId))
    const balance = balanceOf(await readAccount(deps, accountId), deps.catalogue.policies)
    const items = view.periods.map((period) => {
      const current = period.epoch === balance.period
      return {
        period: period.epoch,
        label: periodLabel(period.startMs, period.endMs, view.timeZone),
        from: instant(period.startMs),
        to: instant(period.endMs),
        // The workflow's figures are as old as the last reconcile; the ledger's are of now.
        used: current ? balance.used : less(period.spent, 0),
        granted: period.granted,
        percentUsed: current ? percentUsed(balance.remaining, less(balance.total, 0)) : null,
        total: current ? balance.total : null,
        current,
      }
    })
    return c.json({ timeZone: view.timeZone, items, next: null }, 200)
  })
}
