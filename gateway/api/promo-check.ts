import { z } from '@hono/zod-openapi'
import { toMicro } from '../../credits/money.ts'
import { promoKey } from '../../journal/promo-codes.ts'
import { personKey } from '../../middleware/mail/mail-key.ts'
import { ApiError } from '../error.ts'
import { type Api, json, Micro, openRoute } from '../route.ts'
import type { ApiDeps } from './deps.ts'

const PromoCheck = z.object({ code: z.string(), credits: Micro }).openapi('PromoCheck')

const route = openRoute({
  method: 'get',
  path: '/credits/v1/promo-check',
  summary: 'What a promo code would give',
  description:
    'Before signing up. 404 `promo_unknown`, 422 `promo_expired` (or not valid yet) or `promo_used` (by this address, or used up); the message says which. Takes nothing: another may be faster.',
  request: {
    query: z.object({
      code: z.string().trim().min(1).max(64),
      email: z.email().max(254).optional().openapi({ description: 'Of whoever wants to sign up.' }),
    }),
  },
  responses: { 200: json(PromoCheck, 'It is good') },
})

export function promoCheckRoutes(app: Api, { journal }: Pick<ApiDeps, 'journal'>): void {
  app.openapi(route, async (c) => {
    const { code, email } = c.req.valid('query')
    const answer = await journal.promoCodes.check({
      code: promoKey(code),
      person: email === undefined ? null : personKey(email),
    })
    if (!answer.ok) throw new ApiError(answer.code, answer.message)
    return c.json({ code: answer.promo.code, credits: toMicro(answer.promo.amount) }, 200)
  })
}
