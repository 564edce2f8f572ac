import { z } from '@hono/zod-openapi'
import { lifetimeOf } from '../../credits/account/lifetime.ts'
import { grantSources } from '../api/balance-of.ts'
import type { ApiDeps } from '../api/deps.ts'
import { accepted } from '../api/reading.ts'
import { adminRoute, type Api, body, IdempotencyKey, json, text } from '../route.ts'
import { AccountId } from './accounts.ts'
import { balanceAfter, Credits, Granted, operatorName, Periods, periodsNeedKeeping } from './credits.ts'

const sources = grantSources.filter((source) => source !== 'plan')

const NewGrant = z
  .strictObject({
    credits: Credits,
    source: z.enum(sources).default('adjustment'),
    resets: z
      .boolean()
      .optional()
      .openapi({ description: 'Lost at the period’s end. Packs reset unless said otherwise, the others stay.' }),
    periods: Periods.optional(),
    reason: text(200).openapi({ description: 'The user sees it.' }),
    by: operatorName,
  })
  .refine(({ source, resets, periods }) => !(resets ?? source === 'pack') || periods === undefined, periodsNeedKeeping)
  .openapi('NewGrant')

const grant = adminRoute({
  method: 'post',
  path: '/admin/v1/accounts/{id}/grants',
  summary: 'Grant credits',
  description:
    'Live at once. The Idempotency-Key is the grant’s id: the same one again grants nothing more, with another amount it is refused (409 `grant_conflict`).',
  request: { params: z.object({ id: AccountId }), headers: IdempotencyKey, body: body(NewGrant) },
  responses: { 201: json(Granted, 'Granted') },
})

export function grantCreditRoutes(app: Api, deps: ApiDeps): void {
  app.openapi(grant, async (c) => {
    const { id: accountId } = c.req.valid('param')
    const { credits: amount, source, resets, periods, reason, by } = c.req.valid('json')
    const id = c.req.valid('header')['idempotency-key'] ?? `grant_${crypto.randomUUID()}`
    accepted(
      await deps.accounts.grant(accountId, {
        id,
        source,
        amount,
        ...lifetimeOf({ keeps: !(resets ?? source === 'pack'), periods }),
        detail: reason,
        by: `${by}: ${reason}`,
      }),
    )
    return c.json({ id, amount, balance: await balanceAfter(deps, accountId) }, 201)
  })
}
