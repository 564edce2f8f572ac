import type { Context, MiddlewareHandler } from 'hono'
import type { ApiKey } from '../journal/api-key.ts'
import type { KeyRing } from '../middleware/api-keys.ts'
import { looksLikeSignIn, type SignIns } from '../middleware/sign-ins.ts'
import type { UserTokens } from '../middleware/user-tokens.ts'
import { cookieOf, requireOwnOrigin } from './cookie.ts'
import { ApiError, unavailable } from './error.ts'
import type { ApiEnv } from './route.ts'
import { sameSecret } from './same-secret.ts'

/** Who asks: a key of the account (its owner's programs) or a short-lived token of its user. */
export type User = { readonly accountId: string } & (
  | { readonly via: 'key'; readonly key: ApiKey }
  | { readonly via: 'token' | 'cookie'; readonly expiresAtMs: number }
)

export interface Credentials {
  readonly keys: Pick<KeyRing, 'find'>
  readonly tokens: Pick<UserTokens, 'verify'>
  readonly signIns: Pick<SignIns, 'find'>
}

/** The user behind a secret, whether it came as a bearer or as a cookie; 401 for one that is wrong, has expired or was revoked, 503 when that cannot be known now. */
export async function identify({ keys, tokens, signIns }: Credentials, secret: string): Promise<User> {
  if (looksLikeSignIn(secret)) {
    const found = await signIns.find(secret)
    if (found === 'unavailable') throw unavailable('journal')
    if (typeof found === 'string') throw unauthenticated('you are signed out; sign in again')
    return { via: 'cookie', accountId: found.accountId, expiresAtMs: found.expiresAtMs }
  }
  if (looksLikeToken(secret)) {
    const token = await tokens.verify(secret)
    if (token.ok) return { via: 'token', accountId: token.accountId, expiresAtMs: token.expiresAtMs }
    throw unauthenticated(
      token.code === 'token_expired' ? 'this user token has expired' : 'this user token is not valid',
    )
  }
  const key = await keys.find(secret)
  if (key === 'unavailable') throw unavailable('journal')
  if (key === 'revoked') throw unauthenticated('this API key was revoked')
  if (key === 'unknown') throw unauthenticated('this API key is not valid')
  return { via: 'key', accountId: key.accountId, key }
}

/** Every route behind it has `user`. */
export function requireUser(
  credentials: Credentials & { readonly publicUrl: () => string },
): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const user = await identify(credentials, secretOf(c))
    if (user.via === 'cookie' && !reads.includes(c.req.method)) requireOwnOrigin(c, credentials.publicUrl())
    c.set('user', user)
    await next()
  }
}

const reads: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

/** What a user's request proves itself by: its Authorization header, else its cookie; 401 when there is neither. */
export function secretOf(c: Context<ApiEnv>): string {
  const header = c.req.header('authorization')
  const cookie = header === undefined ? cookieOf(c) : undefined
  return cookie ?? bearerOf(header)
}

/** 401 unless the bearer is the admin key. Throws RangeError for an admin key that could be guessed. */
export function requireAdmin(adminKey: string): MiddlewareHandler<ApiEnv> {
  if (adminKey.length < 16) throw new RangeError('the admin key must have at least 16 characters')
  return async (c, next) => {
    if (!sameSecret(bearerOf(c.req.header('authorization')), adminKey))
      throw unauthenticated('this is not the admin key')
    await next()
  }
}

/** The secret of an Authorization header; 401 when there is none. */
export function bearerOf(header: string | undefined): string {
  const secret = /^bearer +(\S{1,4096})$/i.exec(header ?? '')?.[1]
  if (secret === undefined) throw unauthenticated('send Authorization: Bearer <key or token>')
  return secret
}

function unauthenticated(message: string): ApiError {
  return new ApiError('unauthenticated', message, { headers: { 'www-authenticate': 'Bearer' } })
}

/** A JWT has three parts; our keys have no dots. */
const looksLikeToken = (secret: string): boolean => secret.split('.').length === 3
