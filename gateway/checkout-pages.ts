import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { microToCredits, toMicro } from '../credits/money.ts'
import type { Order } from '../journal/orders.ts'
import type { ApiDeps } from './api/deps.ts'
import { completeOrder, openCheckout } from './checkout/orders.ts'
import { requireOwnOrigin } from './cookie.ts'
import { ApiError } from './error.ts'
import { formPage } from './pages.ts'
import type { Api } from './route.ts'

/** The test checkout's page. Whoever has its address may pay: it takes no money, and what is bought is the order's owner's. */
export function checkoutPages(app: Api, deps: ApiDeps): void {
  const find = async (id: string): Promise<Order> => {
    if (!openCheckout(deps).test) throw new ApiError('checkout_closed', 'there is no test checkout here')
    const order = await deps.journal.orders.find(id)
    if (order === null) throw new ApiError('order_unknown', `there is no order ${id}`)
    return order
  }
  const answer = (order: Order) => formPage('Test checkout', content(order))

  app.get('/checkout/:id', async (c) => answer(await find(c.req.param('id'))))
  app.post('/checkout/:id/pay', async (c) => {
    requireOwnOrigin(c, deps.publicUrl())
    const { id } = await find(c.req.param('id'))
    return answer(await completeOrder(deps, id, 'test'))
  })
  app.post('/checkout/:id/cancel', async (c) => {
    requireOwnOrigin(c, deps.publicUrl())
    const { id } = await find(c.req.param('id'))
    return answer((await deps.journal.orders.cancel(id))!)
  })
}

function content({
  id,
  name,
  kind,
  amount,
  priceCents,
  status,
}: Order): HtmlEscapedString | Promise<HtmlEscapedString> {
  const what = html`<p>
    ${kind === 'plan' ? 'Plan' : 'Credit pack'} <strong>${name}</strong>: ${microToCredits(toMicro(amount))}
    credits${kind === 'plan' ? ' a month' : ', until the end of this period'}, $${(priceCents / 100).toFixed(2)}
  </p>`
  const end = {
    open: html`<form method="post" action="/checkout/${id}/pay">
        <p><button>Pay</button></p>
      </form>
      <form method="post" action="/checkout/${id}/cancel">
        <p><button>Cancel</button></p>
      </form>`,
    paid: html`<p>Paid. The credits are there.</p>`,
    cancelled: html`<p>Cancelled. Nothing was bought.</p>`,
  }
  return html`<h1>Test checkout</h1>
    <p><strong>This is a test: no money moves.</strong></p>
    ${what} ${end[status]}`
}
