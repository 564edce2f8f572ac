import { and, count, eq } from 'drizzle-orm'
import type { Database } from './database.ts'
import { referralCodes, referredSignUps } from './schema.ts'
import { storableText } from './storable-text.ts'

/** Letters and digits that nobody mistakes for each other. */
const alphabet = '23456789ABCDEFGHJKMNPQRSTUVWXYZ'
const codeLength = 8

/** Somebody who signed up through a link. */
export interface ReferredSignUp {
  readonly accountId: string
  readonly referrer: string
  /** Of the friend, as `mailKey` makes it. */
  readonly email: string
}

/** See Journal.referrals.codeOf. */
export async function referralCodeOf(
  database: Database,
  randomBytes: (size: number) => Buffer,
  accountId: string,
): Promise<string> {
  const account = storableText(accountId)
  for (;;) {
    const [known] = await database.query((statements) =>
      statements.select().from(referralCodes).where(eq(referralCodes.accountId, account)),
    )
    if (known !== undefined) return known.code
    // Taken by another account, or made for this one meanwhile: either way the next look tells.
    await database.query((statements) =>
      statements
        .insert(referralCodes)
        .values({ code: newCode(randomBytes), accountId: account })
        .onConflictDoNothing(),
    )
  }
}

/** See Journal.referrals.find. */
export async function findReferrer(database: Database, code: string): Promise<string | null> {
  const [found] = await database.query((statements) =>
    statements
      .select({ accountId: referralCodes.accountId })
      .from(referralCodes)
      .where(eq(referralCodes.code, storableText(code.trim().toUpperCase()))),
  )
  return found?.accountId ?? null
}

/** See Journal.referrals.note. */
export async function noteReferred(
  database: Database,
  clock: () => number,
  { accountId, referrer, email }: ReferredSignUp,
): Promise<boolean> {
  const noted = await database.query((statements) =>
    statements
      .insert(referredSignUps)
      .values({
        accountId: storableText(accountId),
        referrer: storableText(referrer),
        email: storableText(email),
        atMs: clock(),
      })
      .onConflictDoNothing()
      .returning({ accountId: referredSignUps.accountId }),
  )
  return noted.length > 0
}

/** See Journal.referrals.forget. */
export async function forgetReferred(
  database: Database,
  { accountId, referrer }: Pick<ReferredSignUp, 'accountId' | 'referrer'>,
): Promise<void> {
  await database.query((statements) =>
    statements
      .delete(referredSignUps)
      .where(
        and(
          eq(referredSignUps.accountId, storableText(accountId)),
          eq(referredSignUps.referrer, storableText(referrer)),
        ),
      ),
  )
}

/** See Journal.referrals.accepted. */
export async function acceptedReferrals(database: Database, referrer: string): Promise<number> {
  const [found] = await database.query((statements) =>
    statements
      .select({ accepted: count() })
      .from(referredSignUps)
      .where(eq(referredSignUps.referrer, storableText(referrer))),
  )
  return found?.accepted ?? 0
}

function newCode(randomBytes: (size: number) => Buffer): string {
  // 31 letters of 256 values: the first eight come up a little more often, which nobody can use.
  return [...randomBytes(codeLength)].map((byte) => alphabet[byte % alphabet.length]).join('')
}
