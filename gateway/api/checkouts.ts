import { z } from '@hono/zod-openapi'
import type { Order as Stored } from '../../journal/orders.ts'
import { completeOrder, grantOrder, openCheckout, placeOrder } from '../checkout/orders.ts'
import { ApiError } from '../error.ts'
import { type Api, body, IdempotencyKey, Instant, instant, json, Micro, userRoute } from '../route.ts'
import { mayWrite } from '../may-write.ts'
import type { ApiDeps } from './deps.ts'

export const Order = z
  .object({
    id: z.string(),
    status: z.enum(['open', 'paid', 'cancelled']),
    kind: z.enum(['plan', 'pack']),
    item: z.string(),
    name: z.string(),
    credits: Micro,
    priceCents: z.int(),
    url: z.string().nullable().openapi({ description: 'Where it is paid, while it is open.' }),
    test: z.boolean().openapi({ description: 'A test checkout: no money moves.' }),
    createdAt: Instant,
    paidAt: Instant.nullable(),
    granted: z.boolean().openapi({ description: 'What was bought is there.' }),
  })
  .openapi('Order')

const Wanted = z.union([
  z.strictObject({ pack: z.string().min(1).max(64) }),
  z.strictObject({ plan: z.string().min(1).max(64) }),
])

const create = userRoute({
  method: 'post',
  path: '/credits/v1/checkouts',
  summary: 'Buy a pack, or a plan that allows more',
  description:
    'An order, and where to pay for it. 403 `checkout_closed`, 422 `plan_unknown` or `pack_unknown`, 409 `checkout_not_needed`. A pack is for this period; a plan’s upgrade counts at once.',
  request: { headers: IdempotencyKey, body: body(Wanted.openapi('NewOrder')) },
  responses: { 201: json(Order, 'The order') },
})
const read = userRoute({
  method: 'get',
  path: '/credits/v1/checkouts/{id}',
  summary: 'One order',
  request: { params: z.object({ id: z.string().max(64) }) },
  responses: { 200: json(Order, 'The order') },
})
const list = userRoute({
  method: 'get',
  path: '/credits/v1/checkouts',
  summary: 'Orders, newest first, a hundred at most',
  request: {},
  responses: { 200: json(z.object({ items: z.array(Order), next: z.null() }), 'Orders') },
})
const pay = userRoute({
  method: 'post',
  path: '/credits/v1/checkouts/{id}/pay',
  summary: 'Pay at the test checkout',
  description: 'Where `test` is true. Paying twice buys once.',
  request: { params: z.object({ id: z.string().max(64) }), body: { ...body(z.strictObject({})), required: false } },
  responses: { 200: json(Order, 'Paid, and granted') },
})

export function checkoutRoutes(app: Api, deps: ApiDeps): void {
  const shown = async (order: Stored): Promise<z.infer<typeof Order>> => ({
    id: order.id,
    status: order.status,
    kind: order.kind,
    item: order.item,
    name: order.name,
    credits: order.amount,
    priceCents: order.priceCents,
    url: order.status === 'open' && deps.checkout !== null ? (await deps.checkout.open(order)).url : null,
    test: deps.checkout?.test ?? false,
    createdAt: instant(order.createdAtMs),
    paidAt: order.paidAtMs === null ? null : instant(order.paidAtMs),
    granted: order.grantedAtMs !== null,
  })
  const own = async (accountId: string, id: string): Promise<Stored> => {
    const order = await deps.journal.orders.find(id)
    if (order === null || order.accountId !== accountId)
      throw new ApiError('order_unknown', `this account has no order ${id}`)
    return order
  }

  app.openapi(create, async (c) => {
    const key = c.req.valid('header')['idempotency-key']
    const order = await placeOrder(deps, mayWrite(c.get('user')).accountId, c.req.valid('json'), key)
    return c.json(await shown(order), 201)
  })
  app.openapi(read, async (c) => {
    const order = await own(c.get('user').accountId, c.req.valid('param').id)
    return c.json(await shown(await grantOrder(deps, order)), 200)
  })
  app.openapi(list, async (c) => {
    const orders = await deps.journal.orders.list(c.get('user').accountId, 100)
    return c.json({ items: await Promise.all(orders.map(shown)), next: null }, 200)
  })
  app.openapi(pay, async (c) => {
    const { id } = await own(mayWrite(c.get('user')).accountId, c.req.valid('param').id)
    if (!openCheckout(deps).test)
      throw new ApiError('checkout_closed', 'this checkout takes real money: pay at its own page')
    return c.json(await shown(await completeOrder(deps, id, 'test')), 200)
  })
}
