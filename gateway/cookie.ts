import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { NewSignIn } from '../journal/sign-ins.ts'
import { ApiError } from './error.ts'

const name = 'tollgate_session'

/** The secret of the browser's cookie, if it sent one. */
export function cookieOf(c: Context): string | undefined {
  return getCookie(c, name)
}

/** No script reads it, no other site's request carries it. */
export function setSignIn(c: Context, { secret, expiresAtMs }: NewSignIn, publicUrl: string): void {
  setCookie(c, name, secret, {
    path: '/',
    httpOnly: true,
    sameSite: 'Strict',
    secure: publicUrl.startsWith('https:'),
    expires: new Date(expiresAtMs),
  })
}

export function clearSignIn(c: Context): void {
  deleteCookie(c, name, { path: '/' })
}

/**
 * A write that a browser makes by its cookie, or that sets it, must come from a page of ours: 403 `origin_refused`. SameSite says so already; this holds for browsers and proxies that
 * do not, and for sites on the same domain.
 */
export function requireOwnOrigin(c: Context, publicUrl: string): void {
  const origin = c.req.header('origin')
  const own = [new URL(publicUrl).origin, new URL(c.req.url).origin]
  if (origin === undefined || !own.includes(origin))
    throw new ApiError('origin_refused', `this request comes from ${origin ?? 'nowhere'}, and not from a page of ours`)
}
