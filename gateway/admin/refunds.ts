import { z } from '@hono/zod-openapi'
import { isChargeId } from '../../credits/charge-id.ts'
import { microToCredits } from '../../credits/money.ts'
import type { ApiDeps } from '../api/deps.ts'
import { knownReceipt } from '../api/known-receipts.ts'
import { accepted } from '../api/reading.ts'
import { ApiError } from '../error.ts'
import { adminRoute, type Api, body, json, text } from '../route.ts'
import { AccountId } from './accounts.ts'
import { balanceAfter, Credits, Granted, operatorName } from './credits.ts'

const NewRefund = z
  .strictObject({
    receipt: z.string().max(200).openapi({ description: 'Id of the charge, as `x-tollgate-receipt` names it.' }),
    credits: Credits.optional().openapi({ description: 'At most what was charged; all of it when left out.' }),
    resets: z.boolean().default(false).openapi({ description: 'Lost at the period’s end.' }),
    reason: text(200).openapi({ description: 'The user sees it.' }),
    by: operatorName,
  })
  .openapi('NewRefund')

const Refunded = Granted.extend({ receipt: z.string() }).openapi('Refunded')

const route = adminRoute({
  method: 'post',
  path: '/admin/v1/accounts/{id}/refunds',
  summary: 'Give back what a charge took',
  description:
    'A grant of its own, `refund:<receipt>`: the charge and its usage stay as they are. Each charge is refunded once; again with the same amount changes nothing, with another one it is refused (409 `grant_conflict`).',
  request: { params: z.object({ id: AccountId }), body: body(NewRefund) },
  responses: { 201: json(Refunded, 'Refunded') },
})

export function refundRoutes(app: Api, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const { id: accountId } = c.req.valid('param')
    const { receipt, credits, resets, reason, by } = c.req.valid('json')
    const known = isChargeId(receipt) ? await knownReceipt(deps, accountId, receipt) : null
    if (known === null) throw new ApiError('receipt_unknown', `account ${accountId} has no receipt ${receipt}`)
    const amount = credits ?? known.charged
    if (amount === 0 || amount > known.charged)
      throw new ApiError(
        'amount_invalid',
        `that charge took ${microToCredits(known.charged)} credits, and no more can be given back`,
      )
    const id = `refund:${receipt}`
    accepted(
      await deps.accounts.grant(accountId, {
        id,
        source: 'refund',
        amount,
        resets,
        detail: reason,
        by: `${by}: ${reason}`,
      }),
    )
    return c.json({ id, receipt, amount, balance: await balanceAfter(deps, accountId) }, 201)
  })
}
