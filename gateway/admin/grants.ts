import { z } from '@hono/zod-openapi'
import { creditsToMicro } from '../../credits/money.ts'
import { balanceOf, Balance, grantSources } from '../api/balance-of.ts'
import type { ApiDeps } from '../api/deps.ts'
import { accepted, readAccount } from '../api/reading.ts'
import { adminRoute, type Api, body, IdempotencyKey, json, Micro, text } from '../route.ts'
import { AccountId } from './accounts.ts'

const sources = grantSources.filter((source) => source !== 'plan')

const expected = 'credits with at most six decimals, such as "12.5"'

/** Credits as people write them: nobody counts micro-credits by hand. */
const Credits = z
  .union([z.string().regex(/^\d{1,9}(\.\d{1,6})?$/, expected), z.number().min(0).max(999_999_999)], expected)
  .transform((credits, context) => {
    try {
      return creditsToMicro(credits)
    } catch {
      context.addIssue({ code: 'custom', message: expected })
      return z.NEVER
    }
  })
  .refine((amount) => amount > 0, 'must be more than zero')
  .openapi({
    type: 'string',
    description: 'Credits (not micro-credits), decimal text or number, at most six decimals.',
    example: '500',
  })

const NewGrant = z
  .strictObject({
    credits: Credits,
    source: z.enum(sources).default('adjustment'),
    resets: z
      .boolean()
      .optional()
      .openapi({ description: 'Lost at the period’s end. Packs reset unless said otherwise, the others stay.' }),
    reason: text(200).openapi({ description: 'The user sees it.' }),
  })
  .openapi('NewGrant')

const Granted = z
  .object({
    id: z.string(),
    amount: Micro,
    balance: Balance.nullable().openapi({ description: 'With the grant; null if the ledger cannot be read now.' }),
  })
  .openapi('Granted')

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
    const { credits: amount, source, resets, reason } = c.req.valid('json')
    const id = c.req.valid('header')['idempotency-key'] ?? `grant_${crypto.randomUUID()}`
    accepted(
      await deps.accounts.grant(accountId, {
        id,
        source,
        amount,
        resets: resets ?? source === 'pack',
        detail: reason,
        by: `operator: ${reason}`,
      }),
    )
    const reading = await readAccount(deps, accountId).catch(
      (error: unknown) => (deps.log.warn({ err: error, accountId }, 'granted, but the ledger cannot be read'), null),
    )
    return c.json({ id, amount, balance: reading && balanceOf(reading, deps.catalogue.policies) }, 201)
  })
}
