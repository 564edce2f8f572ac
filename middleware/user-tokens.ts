import { errors, jwtVerify, SignJWT } from 'jose'
import type { Clock } from './clock.ts'

export interface TokenDeps {
  /** Shared by all gateways; at least 32 bytes. */
  readonly secret: string
  /** Which gateway the token is for, and who made it: a token for another deployment is refused even under the same secret. */
  readonly audience: string
  readonly issuer: string
  readonly clock: Pick<Clock, 'now'>
}

export interface UserToken {
  readonly token: string
  readonly expiresAtMs: number
}

export type TokenAnswer =
  | { readonly ok: true; readonly accountId: string; readonly expiresAtMs: number }
  | { readonly ok: false; readonly code: 'token_expired' | 'token_invalid' }

export interface UserTokens {
  /** A token that lets its bearer act as the account for `lifetimeSeconds` (15 minutes; a day at most, else RangeError). */
  mint(accountId: string, options?: { readonly lifetimeSeconds?: number }): Promise<UserToken>
  /** Whose token it is. Never throws for what a caller may send. */
  verify(token: string): Promise<TokenAnswer>
}

export const tokenLifetimeSeconds = 15 * 60
const longestLifetimeSeconds = 24 * 60 * 60
const algorithm = 'HS256'
const secretBytes = 32

/** Short-lived user tokens, signed with a shared secret. Throws RangeError for a secret that is too short to be one. */
export function createTokens({ secret, audience, issuer, clock }: TokenDeps): UserTokens {
  const key = new TextEncoder().encode(secret)
  if (key.length < secretBytes)
    throw new RangeError(`the token secret has ${key.length} bytes and needs ${secretBytes}`)
  return {
    async mint(accountId, { lifetimeSeconds = tokenLifetimeSeconds } = {}) {
      if (!Number.isSafeInteger(lifetimeSeconds) || lifetimeSeconds < 1 || lifetimeSeconds > longestLifetimeSeconds) {
        throw new RangeError(`not a lifetime of 1 to ${longestLifetimeSeconds} seconds: ${lifetimeSeconds}`)
      }
      if (accountId === '') throw new RangeError('a token needs an account')
      const issuedAt = Math.floor(clock.now() / 1_000)
      const expiresAt = issuedAt + lifetimeSeconds
      const token = await new SignJWT()
        .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
        .setSubject(accountId)
        .setAudience(audience)
        .setIssuer(issuer)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(key)
      return { token, expiresAtMs: expiresAt * 1_000 }
    },
    async verify(token) {
      try {
        // The algorithm is ours to say, never the token's: `none` and public-key confusion end here.
        const { payload } = await jwtVerify<{ readonly sub: string; readonly exp: number }>(token, key, {
          algorithms: [algorithm],
          audience,
          issuer,
          requiredClaims: ['sub', 'exp', 'iat'],
          currentDate: new Date(clock.now()),
        })
        if (typeof payload.sub !== 'string' || payload.sub === '') return { ok: false, code: 'token_invalid' }
        return { ok: true, accountId: payload.sub, expiresAtMs: payload.exp * 1_000 }
      } catch (error) {
        if (error instanceof errors.JWTExpired) return { ok: false, code: 'token_expired' }
        if (error instanceof errors.JOSEError) return { ok: false, code: 'token_invalid' }
        throw error
      }
    },
  }
}
