import { z } from '@hono/zod-openapi'
import { isChargeId } from '../../credits/charge-id.ts'
import { ApiError } from '../error.ts'
import { type Api, json, userRoute } from '../route.ts'
import type { ApiDeps } from './deps.ts'
import { knownReceipt } from './known-receipts.ts'
import { ReceiptAnswer, receiptOf } from './receipt-of.ts'

const route = userRoute({
  method: 'get',
  path: '/credits/v1/receipts/{id}',
  summary: 'What one charge consisted of',
  description:
    'The id is what `x-tollgate-receipt` names. It can be read as soon as the call has its answer, before it is in the journal. The lines sum exactly to `total`.',
  request: { params: z.object({ id: z.string().max(200) }) },
  responses: { 200: json(ReceiptAnswer, 'The receipt') },
})

export function receiptRoutes(app: Api, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const { id } = c.req.valid('param')
    // Asked within the caller's account only: another account's id is as unknown as one that never was.
    const receipt = isChargeId(id) ? await knownReceipt(deps, c.get('user').accountId, id) : null
    if (receipt === null) throw new ApiError('receipt_unknown', 'this account has no such receipt')
    return c.json(receiptOf(receipt), 200)
  })
}
