import { z } from '@hono/zod-openapi'
import type { Plan as CataloguePlan } from '../../credits/catalogue.ts'
import { ApiError } from '../error.ts'
import { type Api, body, Instant, instant, json, Micro, userRoute } from '../route.ts'
import { mayWrite } from '../may-write.ts'
import type { ApiDeps } from './deps.ts'
import { accepted } from './reading.ts'

const PlanFacts = z.object({ id: z.string(), name: z.string(), allowance: Micro, priceCents: z.int() })

export const Subscription = z
  .object({
    plan: PlanFacts,
    renewsAt: Instant.openapi({ description: 'When the next period begins and the allowance is granted anew.' }),
    pending: z
      .object({ id: z.string(), name: z.string(), from: Instant })
      .nullable()
      .openapi({ description: 'A downgrade or cancellation that waits for the period’s end.' }),
    others: z.array(
      PlanFacts.extend({
        change: z.enum(['upgrade', 'downgrade']),
        checkout: z.boolean().openapi({ description: 'It is bought through a checkout first.' }),
      }),
    ),
  })
  .openapi('Subscription')

const read = userRoute({
  method: 'get',
  path: '/credits/v1/subscription',
  summary: 'The plan, when it renews, and what else there is',
  request: {},
  responses: { 200: json(Subscription, 'The subscription') },
})
const put = userRoute({
  method: 'put',
  path: '/credits/v1/subscription',
  summary: 'Change to a smaller plan, cancel, or call that off',
  description:
    'A smaller plan counts from the end of the period; the default plan is a cancellation; the present plan calls a waiting change off. An upgrade that costs something goes through a checkout: 409 `checkout_required`.',
  request: { body: body(z.strictObject({ plan: z.string().min(1).max(64) }).openapi('SubscriptionChange')) },
  responses: { 200: json(Subscription, 'As it is now') },
})

export function subscriptionRoutes(app: Api, { accounts, catalogue }: ApiDeps): void {
  const show = async (accountId: string): Promise<z.infer<typeof Subscription>> => {
    const { view } = accepted(await accounts.view(accountId))
    const { card } = view.terms
    const known = catalogue.plans.find(({ id }) => id === view.plan)
    return {
      // A plan that the catalogue no longer has goes on as it was.
      plan: { id: view.plan, name: view.planName, allowance: card.allowance, priceCents: known?.priceCents ?? 0 },
      renewsAt: instant(card.periodEndMs),
      pending:
        view.pendingPlan === null
          ? null
          : { id: view.pendingPlan.id, name: view.pendingPlan.name, from: instant(view.pendingPlan.fromMs) },
      others: catalogue.plans
        .filter(({ id }) => id !== view.plan)
        .map((plan) => ({
          ...factsOf(plan),
          change: plan.allowance < card.allowance ? ('downgrade' as const) : ('upgrade' as const),
          checkout: plan.allowance >= card.allowance && plan.priceCents > 0,
        })),
    }
  }
  app.openapi(read, async (c) => c.json(await show(c.get('user').accountId), 200))
  app.openapi(put, async (c) => {
    const { accountId } = mayWrite(c.get('user'))
    const { plan } = c.req.valid('json')
    const { others } = await show(accountId)
    if (others.some(({ id, checkout }) => id === plan && checkout))
      throw new ApiError('checkout_required', `plan ${plan} costs something: POST /credits/v1/checkouts`)
    accepted(await accounts.setPlan(accountId, { plan, by: 'user' }))
    return c.json(await show(accountId), 200)
  })
}

function factsOf({ id, name, allowance, priceCents }: CataloguePlan): z.infer<typeof PlanFacts> {
  return { id, name, allowance, priceCents }
}
