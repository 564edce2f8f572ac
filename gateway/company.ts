import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { LRUCache } from 'lru-cache'
import type { UserTokens } from '../middleware/user-tokens.ts'
import { ApiError, unavailable } from './error.ts'
import { maxBytes, readBounded } from './json-body.ts'
import { type Api, type ApiEnv, json, userRoute } from './route.ts'
import { type Credentials, requireUser } from './who.ts'

export interface CompanyDeps extends Omit<Credentials, 'tokens'> {
  /** Where the product's own back end is that employees of the web app's chat work in; null: there is none. */
  readonly companyUrl?: (() => string | null) | undefined
  readonly tokens: Pick<UserTokens, 'verify' | 'mint'>
  readonly publicUrl: () => string
}

/** Less than a token lives: what is passed on with it has time to come. */
const tokenKeptMs = 600_000
const mostTokens = 10_000
/** Of a request, beside who asks; of an answer. Whatever else there is stays between two neighbours. */
const passedOn = ['content-type', 'accept', 'last-event-id']
const passedBack = ['content-type', 'cache-control', 'x-accel-buffering']

/** For pages, which would find a missing one among their errors. */
const presence = userRoute({
  method: 'get',
  path: '/company',
  summary: 'Whether a company works behind this gateway',
  request: {},
  responses: { 200: json(z.object({ isThere: z.boolean() }), 'Whether it does') },
})

/**
 * `/company/*`: what the web app asks of the company whose employees are talked to, on the app's own address, since its pages may ask nobody else. Whoever is
 * signed in is passed on as the bearer of a user token; the company asks the gateway whose that is, and sees no cookie.
 */
export function companyRoutes(app: Api, deps: CompanyDeps): void {
  const tokens = new LRUCache<string, string>({ max: mostTokens, ttl: tokenKeptMs })

  async function bearerOf(c: Context<ApiEnv>): Promise<string> {
    const { via, accountId } = c.get('user')
    if (via !== 'cookie') return c.req.header('authorization')!
    const token = tokens.get(accountId) ?? (await deps.tokens.mint(accountId)).token
    tokens.set(accountId, token)
    return `Bearer ${token}`
  }

  app.use('/company/*', requireUser(deps))
  app.openapi(presence, (c) => c.json({ isThere: (deps.companyUrl?.() ?? null) !== null }, 200))
  app.all('/company/*', async (c) => {
    const url = deps.companyUrl?.() ?? null
    if (url === null) throw new ApiError('not_found', 'no company works behind this gateway: see COMPANY_URL')
    const { pathname, search } = new URL(c.req.url)
    const { method } = c.req
    const hasBody = c.req.raw.body !== null
    const body = hasBody ? await readBounded(c.req.raw) : undefined
    if (hasBody && body === undefined)
      throw new ApiError('body_too_large', `a request may have at most ${maxBytes} bytes`)
    const asked = new Headers({ authorization: await bearerOf(c) })
    for (const name of passedOn) if (c.req.header(name) !== undefined) asked.set(name, c.req.header(name)!)
    const answer = await fetch(`${url}${pathname}${search}`, {
      method,
      headers: asked,
      redirect: 'error',
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    }).catch((error: unknown) => {
      throw unavailable('company', error)
    })
    const headers = new Headers()
    for (const name of passedBack) if (answer.headers.has(name)) headers.set(name, answer.headers.get(name)!)
    return new Response(answer.body, { status: answer.status, headers })
  })
}
