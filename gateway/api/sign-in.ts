import { z } from '@hono/zod-openapi'
import { isTimeZone } from '../../credits/period.ts'
import { clearSignIn, cookieOf, requireOwnOrigin, setSignIn } from '../cookie.ts'
import type { Doors } from '../doors.ts'
import { jsonBody } from '../json-body.ts'
import { type Api, body, json, openRoute } from '../route.ts'
import { SignUpOutcome, signUpFields } from '../sign-up-shape.ts'
import type { ApiDeps } from './deps.ts'

const Email = z.email().max(254)

const Registration = z
  .strictObject({
    email: Email,
    timeZone: z.string().max(64).refine(isTimeZone, 'not an IANA time zone').default('UTC'),
    ...signUpFields,
  })
  .openapi('Registration')

const SignedUp = z
  .object({
    status: z.enum(['signed_up', 'link_sent']).openapi({
      description: '`link_sent`: there is an account under this address, and its owner was mailed a link.',
    }),
    accountId: z.string().optional(),
    bonuses: SignUpOutcome.optional(),
  })
  .openapi('SignedUp')

const Sent = z.object({ status: z.literal('link_sent_if_known') }).openapi('LinkSent')
const SignedIn = z.object({ accountId: z.string() }).openapi('SignedIn')

const signUp = openRoute({
  method: 'post',
  path: '/credits/v1/signup',
  summary: 'Sign up',
  description:
    'Where the operator allows it, else 403 `signup_closed`. Signs a new user in by a cookie. A promo or referral code that is not good never keeps anybody out: the answer says why it gave nothing.',
  request: { body: body(Registration) },
  responses: { 200: json(SignedUp, 'A link was mailed'), 201: json(SignedUp, 'Signed up, and signed in') },
})
const login = openRoute({
  method: 'post',
  path: '/credits/v1/login',
  summary: 'Ask for a sign-in link',
  description:
    'Mails a link that works once, within ten minutes. The answer is the same whether the address is known or not.',
  request: { body: body(z.strictObject({ email: Email }).openapi('Login')) },
  responses: { 202: json(Sent, 'Mailed, if the address is known') },
})
const code = openRoute({
  method: 'post',
  path: '/credits/v1/login/code',
  summary: 'Sign in with the code of a mailed link',
  description:
    'Sets an HttpOnly cookie for 30 days. 401 `link_invalid`, `link_expired` or `link_used`. Opening a link shows a page that asks first: programs that follow links in mails would use it up.',
  request: { body: body(z.strictObject({ code: z.string().min(1).max(200) }).openapi('LoginCode')) },
  responses: { 200: json(SignedIn, 'Signed in') },
})
const logout = openRoute({
  method: 'post',
  path: '/credits/v1/logout',
  summary: 'Sign out',
  description:
    'Ends the sign-in of the cookie, its feeds included, and clears the cookie. Without one it changes nothing.',
  responses: { 204: { description: 'Signed out' } },
})

/** For people who are not signed in yet. Mounted before the routes that ask who somebody is. */
export function signInRoutes(app: Api, deps: ApiDeps, doors: Doors): void {
  for (const { path } of [signUp, login, code]) app.use(path, jsonBody())
  app.openapi(signUp, async (c) => {
    const entered = await doors.signUp(c.req.valid('json'))
    if (entered.status === 'link_sent') return c.json({ status: 'link_sent' as const }, 200)
    setSignIn(c, entered.signIn, deps.publicUrl())
    const { created: _, ...bonuses } = entered.signedUp
    return c.json({ status: 'signed_up' as const, accountId: entered.accountId, bonuses }, 201)
  })
  app.openapi(login, async (c) => {
    await doors.sendLink(c.req.valid('json').email)
    return c.json({ status: 'link_sent_if_known' as const }, 202)
  })
  app.openapi(code, async (c) => {
    const signIn = await doors.useLink(c.req.valid('json').code)
    setSignIn(c, signIn, deps.publicUrl())
    return c.json({ accountId: signIn.accountId }, 200)
  })
  app.openapi(logout, async (c) => {
    const secret = cookieOf(c)
    if (secret !== undefined) {
      requireOwnOrigin(c, deps.publicUrl())
      await deps.signIns.end(secret)
      clearSignIn(c)
    }
    return c.body(null, 204)
  })
}
