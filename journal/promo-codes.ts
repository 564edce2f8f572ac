import { and, asc, count, eq, gt, sql } from 'drizzle-orm'
import { bounded } from './bounded.ts'
import type { Database } from './database.ts'
import { promoCodes, promoRedemptions } from './schema.ts'
import type { Statements } from './statements.ts'
import { storableText } from './storable-text.ts'

/** Credits for whoever signs up with this code, from `validFromMs` until before `validUntilMs`. */
export interface NewPromoCode {
  /** As `promoKey` makes it. */
  readonly code: string
  readonly amount: number
  /** true: stays until used, or for so many `periods`; false: resets with the period. */
  readonly keeps: boolean
  readonly periods: number | null
  readonly validFromMs: number | null
  readonly validUntilMs: number | null
  /** In all; null: no limit. */
  readonly mostTaken: number | null
  readonly mostPerPerson: number
}

export interface PromoCode extends NewPromoCode {
  readonly taken: number
  readonly createdBy: string
  readonly createdAtMs: number
  readonly endedBy: string | null
  readonly endedAtMs: number | null
}

export type PromoRefusal = {
  readonly ok: false
  readonly code: 'promo_unknown' | 'promo_expired' | 'promo_used'
  readonly message: string
}
export type PromoAnswer = { readonly ok: true; readonly promo: PromoCode } | PromoRefusal
/** `isNew`: it was not taken by this account before. */
export type ClaimAnswer = { readonly ok: true; readonly promo: PromoCode; readonly isNew: boolean } | PromoRefusal

/** Who takes a code: an account, and the person behind it, as `personKey` makes one of an address. */
export interface Taker {
  readonly code: string
  readonly accountId: string
  readonly person: string
}

/** Codes are written in any case, with spaces around. */
export function promoKey(code: string): string {
  return code.trim().toUpperCase()
}

/** See Journal.promoCodes.create. */
export async function createPromoCode(
  database: Database,
  clock: () => number,
  { by, ...promo }: NewPromoCode & { readonly by: string },
): Promise<{ readonly promo: PromoCode; readonly created: boolean }> {
  const stored = {
    ...promo,
    code: storableText(promo.code),
    taken: 0,
    createdBy: storableText(by),
    createdAtMs: clock(),
  }
  const [created] = await database.query((statements) =>
    statements.insert(promoCodes).values(stored).onConflictDoNothing().returning(),
  )
  if (created !== undefined) return { promo: created, created: true }
  return { promo: (await findPromoCode(database, promo.code))!, created: false }
}

/** See Journal.promoCodes.find. */
export async function findPromoCode(database: Database, code: string): Promise<PromoCode | null> {
  const [found] = await database.query((statements) =>
    statements
      .select()
      .from(promoCodes)
      .where(eq(promoCodes.code, storableText(code))),
  )
  return found ?? null
}

/** See Journal.promoCodes.list. */
export function listPromoCodes(
  database: Database,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly PromoCode[]> {
  return database.query((statements) =>
    statements
      .select()
      .from(promoCodes)
      .where(gt(promoCodes.code, storableText(after)))
      .orderBy(asc(promoCodes.code))
      .limit(bounded(limit, 500)),
  )
}

/** See Journal.promoCodes.end. */
export async function endPromoCode(
  database: Database,
  clock: () => number,
  { code, by }: { readonly code: string; readonly by: string },
): Promise<PromoCode | null> {
  await database.query((statements) =>
    statements
      .update(promoCodes)
      .set({ endedAtMs: clock(), endedBy: storableText(by) })
      .where(and(eq(promoCodes.code, storableText(code)), sql`${promoCodes.endedAtMs} is null`)),
  )
  return findPromoCode(database, code)
}

/** See Journal.promoCodes.check. */
export function checkPromoCode(
  database: Database,
  clock: () => number,
  { code, person }: { readonly code: string; readonly person: string | null },
): Promise<PromoAnswer> {
  return database.transaction('snapshot', async (statements) => {
    const [promo] = await statements
      .select()
      .from(promoCodes)
      .where(eq(promoCodes.code, storableText(code)))
    return judge(promo, clock(), person === null ? 0 : await takenBy(statements, code, person))
  })
}

/** See Journal.promoCodes.claim. */
export function claimPromoCode(database: Database, clock: () => number, taker: Taker): Promise<ClaimAnswer> {
  const code = storableText(taker.code)
  const accountId = storableText(taker.accountId)
  return database.transaction('change', async (statements) => {
    // The row is locked: takers take turns, so that the last one left is given once.
    const [promo] = await statements.select().from(promoCodes).where(eq(promoCodes.code, code)).for('update')
    const [mine] = await statements
      .select({ atMs: promoRedemptions.atMs })
      .from(promoRedemptions)
      .where(and(eq(promoRedemptions.code, code), eq(promoRedemptions.accountId, accountId)))
    if (promo !== undefined && mine !== undefined) return { ok: true, promo, isNew: false }
    const answer = judge(promo, clock(), await takenBy(statements, code, taker.person))
    if (!answer.ok) return answer
    await statements
      .insert(promoRedemptions)
      .values({ code, accountId, person: storableText(taker.person), atMs: clock() })
    await statements
      .update(promoCodes)
      .set({ taken: answer.promo.taken + 1 })
      .where(eq(promoCodes.code, code))
    return { ...answer, isNew: true }
  })
}

/** See Journal.promoCodes.release. */
export async function releasePromoCode(database: Database, taker: Pick<Taker, 'code' | 'accountId'>): Promise<void> {
  const code = storableText(taker.code)
  await database.transaction('change', async (statements) => {
    await statements.select().from(promoCodes).where(eq(promoCodes.code, code)).for('update')
    const released = await statements
      .delete(promoRedemptions)
      .where(and(eq(promoRedemptions.code, code), eq(promoRedemptions.accountId, storableText(taker.accountId))))
      .returning({ code: promoRedemptions.code })
    if (released.length === 0) return
    await statements
      .update(promoCodes)
      .set({ taken: sql`${promoCodes.taken} - 1` })
      .where(eq(promoCodes.code, code))
  })
}

async function takenBy(statements: Statements, code: string, person: string): Promise<number> {
  const [found] = await statements
    .select({ taken: count() })
    .from(promoRedemptions)
    .where(and(eq(promoRedemptions.code, storableText(code)), eq(promoRedemptions.person, storableText(person))))
  return found?.taken ?? 0
}

function judge(promo: PromoCode | undefined, nowMs: number, byPerson: number): PromoAnswer {
  if (promo === undefined) return refused('promo_unknown', 'there is no such promo code')
  if (promo.endedAtMs !== null || (promo.validUntilMs !== null && promo.validUntilMs <= nowMs))
    return refused('promo_expired', `the promo code ${promo.code} has expired`)
  if (promo.validFromMs !== null && promo.validFromMs > nowMs)
    return refused('promo_expired', `the promo code ${promo.code} is not valid yet`)
  if (byPerson >= promo.mostPerPerson)
    return refused('promo_used', `you have used the promo code ${promo.code} already`)
  if (promo.mostTaken !== null && promo.taken >= promo.mostTaken)
    return refused('promo_used', `the promo code ${promo.code} has been used up`)
  return { ok: true, promo }
}

function refused(code: PromoRefusal['code'], message: string): PromoRefusal {
  return { ok: false, code, message }
}
