import { z } from '@hono/zod-openapi'
import type { ApiDeps } from '../api/deps.ts'
import { accepted } from '../api/reading.ts'
import { adminRoute, type Api, body, IdempotencyKey, json, text } from '../route.ts'
import { AccountId } from './accounts.ts'
import { balanceAfter, Credits, Granted, operatorName } from './credits.ts'

const NewTakeBack = z
  .strictObject({
    credits: Credits,
    reason: text(200).openapi({ description: 'The user sees it.' }),
    by: operatorName,
  })
  .openapi('NewTakeBack')

const route = adminRoute({
  method: 'post',
  path: '/admin/v1/accounts/{id}/take-backs',
  summary: 'Take credits back',
  description:
    'The way back of a grant: kept credits first. What is not there any more is owed and paid by the account’s own credits, this period’s and then the next; no balance shows less than nothing. The Idempotency-Key is its id.',
  request: { params: z.object({ id: AccountId }), headers: IdempotencyKey, body: body(NewTakeBack) },
  responses: { 201: json(Granted, 'Taken back') },
})

export function takeBackRoutes(app: Api, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const { id: accountId } = c.req.valid('param')
    const { credits: amount, reason, by } = c.req.valid('json')
    const id = c.req.valid('header')['idempotency-key'] ?? `taken_${crypto.randomUUID()}`
    accepted(await deps.accounts.takeBack(accountId, { id, amount, detail: reason, by: `${by}: ${reason}` }))
    return c.json({ id, amount, balance: await balanceAfter(deps, accountId) }, 201)
  })
}
