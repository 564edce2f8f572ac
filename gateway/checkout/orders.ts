import { createHash, randomUUID } from 'node:crypto'
import { toMicro } from '../../credits/money.ts'
import type { NewOrder, Order } from '../../journal/orders.ts'
import type { ApiDeps } from '../api/deps.ts'
import { accepted } from '../api/reading.ts'
import { ApiError } from '../error.ts'
import type { Checkout } from './checkout.ts'

type Deps = Pick<ApiDeps, 'journal' | 'accounts' | 'catalogue' | 'checkout' | 'log'>

/** What may be ordered. */
export type Wanted = { readonly plan: string } | { readonly pack: string }

/**
 * An order, open until it is paid. The same idempotency key is the same order. 403 `checkout_closed`, 422 `plan_unknown` or `pack_unknown`, 409 `checkout_not_needed` for what costs nothing or is no upgrade.
 */
export async function placeOrder(
  deps: Deps,
  accountId: string,
  wanted: Wanted,
  idempotencyKey: string | undefined,
): Promise<Order> {
  openCheckout(deps)
  const what = await describe(deps, accountId, wanted)
  const id = `ord_${randomUUID().replaceAll('-', '')}`
  if (idempotencyKey === undefined) return deps.journal.orders.create({ id, accountId, ...what })
  // The id stays unguessable: it is what the page of the test checkout asks for.
  const stands = await deps.journal.rememberRequest({
    accountId,
    idempotencyKey: `checkout:${idempotencyKey}`,
    requestHash: createHash('sha256').update(JSON.stringify(wanted)).digest('hex'),
    chargeId: id,
  })
  const order = await deps.journal.orders.create({ id: stands.chargeId, accountId, ...what })
  if (order.kind !== what.kind || order.item !== what.item)
    throw new ApiError('order_conflict', 'this Idempotency-Key has ordered something else')
  return order
}

/** The checkout, where there is one. */
export function openCheckout({ checkout }: Pick<Deps, 'checkout'>): Checkout {
  if (checkout === null) throw new ApiError('checkout_closed', 'nothing can be bought here; ask whoever runs it')
  return checkout
}

/**
 * The order was paid: gives what was bought. Safe to repeat and to run twice at once; a death in between is made good by the next look at the order, and by the next start of a gateway.
 * 404 `order_unknown`, 409 `order_cancelled`, and `checkout_not_needed` for a plan that is no upgrade any more.
 */
export async function completeOrder(deps: Deps, id: string, payment: string): Promise<Order> {
  const placed = await deps.journal.orders.find(id)
  // Since it was placed the plan may have become the user's, or less than the user's
  if (placed?.status === 'open' && placed.kind === 'plan') await requireUpgrade(deps, placed.accountId, placed)
  const order = await deps.journal.orders.pay(id, payment)
  if (order === null) throw new ApiError('order_unknown', `there is no order ${id}`)
  if (order.status === 'cancelled') throw new ApiError('order_cancelled', 'this order was cancelled; order again')
  return grantOrder(deps, order)
}

/** Gives what a paid order bought, if that was not noted yet. */
export async function grantOrder({ journal, accounts }: Deps, order: Order): Promise<Order> {
  if (order.status !== 'paid' || order.grantedAtMs !== null) return order
  const by = `order ${order.id}`
  if (order.kind === 'plan') {
    const { id, item, name, amount } = order
    accepted(
      await accounts.setPlan(order.accountId, { plan: item, by, order: { id, name, allowance: toMicro(amount) } }),
    )
  } else
    accepted(
      await accounts.grant(order.accountId, {
        id: `order:${order.id}`,
        source: 'pack',
        amount: toMicro(order.amount),
        resets: true,
        detail: order.name,
        by,
      }),
    )
  await journal.orders.noteGranted(order.id)
  return (await journal.orders.find(order.id)) ?? order
}

/** What gateways that died left paid and not granted. */
export async function grantForgotten(deps: Deps): Promise<void> {
  for (const order of await deps.journal.orders.ungranted())
    await grantOrder(deps, order).catch((error: unknown) =>
      deps.log.error({ err: error, order: order.id }, 'an order was paid, and what it bought could not be given yet'),
    )
}

async function describe(
  { catalogue, accounts }: Deps,
  accountId: string,
  wanted: Wanted,
): Promise<Omit<NewOrder, 'id' | 'accountId'>> {
  if ('pack' in wanted) {
    const pack = catalogue.packs.find(({ id }) => id === wanted.pack)
    if (pack === undefined) throw new ApiError('pack_unknown', `there is no pack ${wanted.pack}`)
    return { kind: 'pack', item: pack.id, name: pack.name, amount: pack.amount, priceCents: pack.priceCents }
  }
  const plan = catalogue.plans.find(({ id }) => id === wanted.plan)
  if (plan === undefined) throw new ApiError('plan_unknown', `there is no plan ${wanted.plan}`)
  const wish = {
    kind: 'plan' as const,
    item: plan.id,
    name: plan.name,
    amount: plan.allowance,
    priceCents: plan.priceCents,
  }
  await requireUpgrade({ accounts }, accountId, wish)
  return wish
}

async function requireUpgrade(
  { accounts }: Pick<Deps, 'accounts'>,
  accountId: string,
  { item, amount, priceCents }: Pick<NewOrder, 'item' | 'amount' | 'priceCents'>,
): Promise<void> {
  const { view } = accepted(await accounts.view(accountId))
  if (priceCents === 0 || item === view.plan || amount < view.terms.card.allowance)
    throw new ApiError(
      'checkout_not_needed',
      `plan ${item} is no upgrade that costs something; set it by PUT /credits/v1/subscription`,
    )
}
