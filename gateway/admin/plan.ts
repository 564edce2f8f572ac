import { z } from '@hono/zod-openapi'
import type { ApiDeps } from '../api/deps.ts'
import { accepted } from '../api/reading.ts'
import { adminRoute, type Api, body, Instant, instant, json } from '../route.ts'
import { AccountId } from './accounts.ts'
import { operatorName, operatorReason } from './credits.ts'

const PlanChange = z
  .strictObject({
    plan: z.string().min(1).max(64).openapi({ example: 'pro' }),
    by: operatorName,
    reason: operatorReason,
  })
  .openapi('PlanChange')
const PlanAnswer = z
  .object({
    plan: z.string(),
    from: Instant.openapi({ description: 'Now for an upgrade, the period’s end for a downgrade.' }),
  })
  .openapi('PlanAnswer')

const put = adminRoute({
  method: 'put',
  path: '/admin/v1/accounts/{id}/plan',
  summary: 'Set the plan',
  description: 'An upgrade counts at once. 422 `plan_unknown` for a plan that the catalogue does not have.',
  request: { params: z.object({ id: AccountId }), body: body(PlanChange) },
  responses: { 200: json(PlanAnswer, 'The plan') },
})

export function planChangeRoutes(app: Api, deps: ApiDeps): void {
  app.openapi(put, async (c) => {
    const { id } = c.req.valid('param')
    const { plan, by } = c.req.valid('json')
    const { fromMs } = accepted(await deps.accounts.setPlan(id, { plan, by }))
    return c.json({ plan, from: instant(fromMs) }, 200)
  })
}
