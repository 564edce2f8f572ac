import { and, count, eq, gt, isNull } from 'drizzle-orm'
import { hashSecret } from './api-key.ts'
import type { Database } from './database.ts'
import { loginLinks, people, signIns } from './schema.ts'
import { storableText } from './storable-text.ts'

export interface SignInDeps {
  readonly clock: () => number
  readonly randomBytes: (size: number) => Buffer
}

/** Somebody who is signed in with a browser. */
export interface SignIn {
  readonly accountId: string
  readonly expiresAtMs: number
  /** null while it has not been ended. */
  readonly endedAtMs: number | null
}

export interface NewSignIn extends SignIn {
  /** `tg_web_<256 random bits>`: seen once. */
  readonly secret: string
}

export type LinkAnswer =
  | { readonly ok: true; readonly signIn: NewSignIn }
  | { readonly ok: false; readonly code: 'link_invalid' | 'link_expired' | 'link_used' }

/** See Journal.signIns.createLink. */
export async function createLink(
  database: Database,
  { clock, randomBytes }: SignInDeps,
  { accountId, lifetimeMs, most }: { readonly accountId: string; readonly lifetimeMs: number; readonly most: number },
): Promise<string | null> {
  const account = storableText(accountId)
  const nowMs = clock()
  const code = randomBytes(32).toString('base64url')
  return database.transaction('change', async (statements) => {
    // Who asks many times at once takes turns
    await statements.select().from(people).where(eq(people.accountId, account)).for('update')
    const [live] = await statements
      .select({ links: count() })
      .from(loginLinks)
      .where(and(eq(loginLinks.accountId, account), gt(loginLinks.expiresAtMs, nowMs), isNull(loginLinks.usedAtMs)))
    if ((live?.links ?? 0) >= most) return null
    await statements.insert(loginLinks).values({
      codeHash: hashSecret(code),
      accountId: account,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + lifetimeMs,
    })
    return code
  })
}

/** See Journal.signIns.useLink. */
export function useLink(
  database: Database,
  deps: SignInDeps,
  { code, lifetimeMs }: { readonly code: string; readonly lifetimeMs: number },
): Promise<LinkAnswer> {
  const wanted = eq(loginLinks.codeHash, hashSecret(code))
  return database.transaction('change', async (statements) => {
    // Two clicks at once: the row is locked, and the second one reads that it was used.
    const [link] = await statements.select().from(loginLinks).where(wanted).for('update')
    if (link === undefined) return { ok: false, code: 'link_invalid' }
    if (link.usedAtMs !== null) return { ok: false, code: 'link_used' }
    const nowMs = deps.clock()
    if (link.expiresAtMs <= nowMs) return { ok: false, code: 'link_expired' }
    await statements.update(loginLinks).set({ usedAtMs: nowMs }).where(wanted)
    // Whoever signed up with an address that is not theirs is out once its owner comes.
    await statements
      .update(signIns)
      .set({ endedAtMs: nowMs })
      .where(and(eq(signIns.accountId, link.accountId), eq(signIns.byLink, false), isNull(signIns.endedAtMs)))
    const signIn = newSignIn(deps, { accountId: link.accountId, lifetimeMs })
    await statements.insert(signIns).values({ ...storedOf(signIn, nowMs), byLink: true })
    return { ok: true, signIn }
  })
}

/** See Journal.signIns.begin. */
export async function beginSignIn(
  database: Database,
  deps: SignInDeps,
  request: { readonly accountId: string; readonly lifetimeMs: number },
): Promise<NewSignIn> {
  const signIn = newSignIn(deps, request)
  await database.query((statements) =>
    statements.insert(signIns).values({ ...storedOf(signIn, deps.clock()), byLink: false }),
  )
  return signIn
}

/** See Journal.signIns.find. */
export async function findSignIn(database: Database, secret: string): Promise<SignIn | null> {
  const [found] = await database.query((statements) =>
    statements
      .select({
        accountId: signIns.accountId,
        expiresAtMs: signIns.expiresAtMs,
        endedAtMs: signIns.endedAtMs,
      })
      .from(signIns)
      .where(eq(signIns.secretHash, hashSecret(secret))),
  )
  return found ?? null
}

/** See Journal.signIns.end. */
export async function endSignIn(database: Database, { clock }: SignInDeps, secret: string): Promise<void> {
  await database.query((statements) =>
    statements
      .update(signIns)
      .set({ endedAtMs: clock() })
      .where(and(eq(signIns.secretHash, hashSecret(secret)), isNull(signIns.endedAtMs))),
  )
}

function newSignIn(
  { clock, randomBytes }: SignInDeps,
  { accountId, lifetimeMs }: { readonly accountId: string; readonly lifetimeMs: number },
): NewSignIn {
  return {
    secret: `tg_web_${randomBytes(32).toString('base64url')}`,
    accountId,
    expiresAtMs: clock() + lifetimeMs,
    endedAtMs: null,
  }
}

function storedOf({ secret, accountId, expiresAtMs }: NewSignIn, createdAtMs: number) {
  return { secretHash: hashSecret(secret), accountId: storableText(accountId), createdAtMs, expiresAtMs }
}
