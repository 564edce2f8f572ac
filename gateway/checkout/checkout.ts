import type { Order } from '../../journal/orders.ts'

/**
 * Whoever takes the money. It tells by `completeOrder` (gateway/checkout/orders.ts) that an order was paid, as often as it likes.
 */
export interface Checkout {
  /** No money moves: for trying things out. Pages and answers say so. */
  readonly test: boolean
  /** Where the user pays for an order. May be asked again. */
  open(order: Order): Promise<{ readonly url: string }>
}

/** A page of our own with a button. */
export function createTestCheckout(publicUrl: () => string): Checkout {
  return {
    test: true,
    open: async ({ id }) => ({ url: `${publicUrl()}/checkout/${id}` }),
  }
}
