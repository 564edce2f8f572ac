import type { MiddlewareHandler } from 'hono'
import type { ApiKey } from '../journal/api-key.ts'
import type { KeyRing } from '../middleware/api-keys.ts'
import type { UserTokens } from '../middleware/user-tokens.ts'
import { ApiError, unavailable } from './error.ts'
import type { ApiEnv } from './route.ts'
import { sameSecret } from './same-secret.ts'

/** Who asks: a key of the account (its owner's programs) or a short-lived token of its user. */
export type User = { readonly accountId: string } & (
  | { readonly via: 'key'; readonly key: ApiKey }
  | { readonly via: 'token'; readonly expiresAtMs: number }
)

export interface Credentials {
  readonly keys: Pick<KeyRing, 'find'>
  readonly tokens: Pick<UserTokens, 'verify'>
}

/** The user behind a bearer secret; 401 for one that is wrong, has expired or was revoked, 503 when that cannot be known now. */
export async function identify({ keys, tokens }: Credentials, secret: string): Promise<User> {
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
export function requireUser(credentials: Credentials): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    c.set('user', await identify(credentials, bearerOf(c.req.header('authorization'))))
    await next()
  }
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
