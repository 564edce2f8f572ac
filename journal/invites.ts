import { and, count, desc, eq, gt, lt, or } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import { bounded } from './bounded.ts'
import type { Database } from './database.ts'
import { invites, people, referredSignUps } from './schema.ts'
import { storableText } from './storable-text.ts'

/** An invitation that was mailed. */
export interface Invite {
  readonly id: string
  readonly accountId: string
  /** As `mailKey` makes it. */
  readonly email: string
  readonly timesSent: number
  readonly createdAtMs: number
  readonly sentAtMs: number
  /** Who signed up with this address through this account's link; null: nobody yet. */
  readonly acceptedBy: string | null
}

const friend = alias(referredSignUps, 'friend')

export interface InviteClaim extends Pick<Invite, 'id' | 'accountId' | 'email'> {
  readonly nowMs: number
  readonly withinMs: number
  readonly most: number
}

/** See Journal.invites.claim. */
export function claimInvite(
  database: Database,
  { id, accountId, email, nowMs, withinMs, most }: InviteClaim,
): Promise<'claimed' | 'too_soon' | 'too_many'> {
  const account = storableText(accountId)
  const address = and(eq(invites.accountId, account), eq(invites.email, storableText(email)))
  return database.transaction('change', async (statements) => {
    // Whoever sends many at once takes turns
    await statements.select().from(people).where(eq(people.accountId, account)).for('update')
    const [known] = await statements.select().from(invites).where(address)
    if (known !== undefined && nowMs - known.sentAtMs < withinMs) return 'too_soon'
    const [recent] = await statements
      .select({ sent: count() })
      .from(invites)
      .where(and(eq(invites.accountId, account), gt(invites.sentAtMs, nowMs - withinMs)))
    if ((recent?.sent ?? 0) >= most) return 'too_many'
    if (known === undefined)
      await statements.insert(invites).values({
        id,
        accountId: account,
        email: storableText(email),
        timesSent: 1,
        createdAtMs: nowMs,
        sentAtMs: nowMs,
      })
    else
      await statements
        .update(invites)
        .set({ timesSent: known.timesSent + 1, sentAtMs: nowMs })
        .where(address)
    return 'claimed'
  })
}

/** See Journal.invites.unclaim. */
export async function unclaimInvite(
  database: Database,
  { accountId, email }: Pick<Invite, 'accountId' | 'email'>,
): Promise<void> {
  const address = and(eq(invites.accountId, storableText(accountId)), eq(invites.email, storableText(email)))
  await database.transaction('change', async (statements) => {
    const [known] = await statements.select().from(invites).where(address).for('update')
    if (known === undefined) return
    if (known.timesSent <= 1) await statements.delete(invites).where(address)
    // When it was sent before is not known any more: long ago, since it was due
    else
      await statements
        .update(invites)
        .set({ timesSent: known.timesSent - 1, sentAtMs: known.createdAtMs })
        .where(address)
  })
}

/** See Journal.invites.find. */
export async function findInvite(
  database: Database,
  accountId: string,
  by: { readonly email: string } | { readonly id: string },
): Promise<Invite | null> {
  const wanted = 'email' in by ? eq(invites.email, storableText(by.email)) : eq(invites.id, storableText(by.id))
  const [found] = await select(database, and(eq(invites.accountId, storableText(accountId)), wanted), 1)
  return found ?? null
}

/** See Journal.invites.list. */
export function listInvites(
  database: Database,
  accountId: string,
  { before, limit }: { readonly before?: Pick<Invite, 'id' | 'createdAtMs'> | undefined; readonly limit: number },
): Promise<readonly Invite[]> {
  return select(
    database,
    and(
      eq(invites.accountId, storableText(accountId)),
      before === undefined
        ? undefined
        : or(
            lt(invites.createdAtMs, before.createdAtMs),
            and(eq(invites.createdAtMs, before.createdAtMs), lt(invites.id, before.id)),
          ),
    ),
    bounded(limit, 200),
  )
}

/** See Journal.invites.count. */
export async function countInvites(
  database: Database,
  accountId: string,
  sentAfterMs: number,
): Promise<{ readonly all: number; readonly recent: number }> {
  const of = eq(invites.accountId, storableText(accountId))
  const [all] = await database.query((statements) => statements.select({ sent: count() }).from(invites).where(of))
  const [recent] = await database.query((statements) =>
    statements
      .select({ sent: count() })
      .from(invites)
      .where(and(of, gt(invites.sentAtMs, sentAfterMs))),
  )
  return { all: all?.sent ?? 0, recent: recent?.sent ?? 0 }
}

function select(database: Database, where: ReturnType<typeof and>, limit: number): Promise<readonly Invite[]> {
  return database.query((statements) =>
    statements
      .select({
        id: invites.id,
        accountId: invites.accountId,
        email: invites.email,
        timesSent: invites.timesSent,
        createdAtMs: invites.createdAtMs,
        sentAtMs: invites.sentAtMs,
        acceptedBy: friend.accountId,
      })
      .from(invites)
      .leftJoin(friend, and(eq(friend.referrer, invites.accountId), eq(friend.email, invites.email)))
      .where(where)
      .orderBy(desc(invites.createdAtMs), desc(invites.id))
      .limit(limit),
  )
}
