import { and, asc, desc, eq, type InferSelectModel, isNull } from 'drizzle-orm'
import { bounded } from './bounded.ts'
import type { Database } from './database.ts'
import { orders } from './schema.ts'
import { storableText } from './storable-text.ts'

/** Amounts as they were when it was ordered, µcr and US cents: a catalogue that changes meanwhile changes nothing. */
export type Order = Readonly<InferSelectModel<typeof orders>>
export type NewOrder = Pick<Order, 'id' | 'accountId' | 'kind' | 'item' | 'name' | 'amount' | 'priceCents'>

/** See Journal.orders.create. */
export async function createOrder(database: Database, clock: () => number, order: NewOrder): Promise<Order> {
  const { id, accountId, kind, item, name, amount, priceCents } = order
  await database.query((statements) =>
    statements
      .insert(orders)
      .values({
        id,
        accountId: storableText(accountId),
        kind,
        item,
        name: storableText(name),
        amount,
        priceCents,
        status: 'open',
        createdAtMs: clock(),
      })
      .onConflictDoNothing(),
  )
  return (await findOrder(database, id))!
}

/** See Journal.orders.find. */
export async function findOrder(database: Database, id: string): Promise<Order | null> {
  const [found] = await database.query((statements) =>
    statements
      .select()
      .from(orders)
      .where(eq(orders.id, storableText(id))),
  )
  return found ?? null
}

/** See Journal.orders.list. */
export function listOrders(database: Database, accountId: string, limit: number): Promise<readonly Order[]> {
  return database.query((statements) =>
    statements
      .select()
      .from(orders)
      .where(eq(orders.accountId, storableText(accountId)))
      .orderBy(desc(orders.createdAtMs), desc(orders.id))
      .limit(bounded(limit, 200)),
  )
}

/** See Journal.orders.pay. */
export async function payOrder(
  database: Database,
  clock: () => number,
  { id, payment }: { readonly id: string; readonly payment: string },
): Promise<Order | null> {
  await database.query((statements) =>
    statements
      .update(orders)
      .set({ status: 'paid', payment: storableText(payment), paidAtMs: clock() })
      .where(and(eq(orders.id, storableText(id)), eq(orders.status, 'open'))),
  )
  return findOrder(database, id)
}

/** See Journal.orders.cancel. */
export async function cancelOrder(database: Database, id: string): Promise<Order | null> {
  await database.query((statements) =>
    statements
      .update(orders)
      .set({ status: 'cancelled' })
      .where(and(eq(orders.id, storableText(id)), eq(orders.status, 'open'))),
  )
  return findOrder(database, id)
}

/** See Journal.orders.noteGranted. */
export async function noteOrderGranted(database: Database, clock: () => number, id: string): Promise<void> {
  await database.query((statements) =>
    statements
      .update(orders)
      .set({ grantedAtMs: clock() })
      .where(and(eq(orders.id, storableText(id)), isNull(orders.grantedAtMs))),
  )
}

/** See Journal.orders.ungranted. */
export function ungrantedOrders(database: Database): Promise<readonly Order[]> {
  return database.query((statements) =>
    statements
      .select()
      .from(orders)
      .where(and(eq(orders.status, 'paid'), isNull(orders.grantedAtMs)))
      .orderBy(asc(orders.paidAtMs))
      .limit(200),
  )
}
