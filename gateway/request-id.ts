import { randomUUID } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { ApiEnv } from './route.ts'

/** A caller's own id is kept if it cannot be mistaken for anything else in a log. */
const usable = /^[A-Za-z0-9_-]{8,64}$/

/** Every answer names its request, so that what a user reports is found in the log. */
export function requestId(): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const given = c.req.header('x-request-id')
    const id = given !== undefined && usable.test(given) ? given : randomUUID()
    c.set('requestId', id)
    await next()
    c.res.headers.set('x-request-id', id)
  }
}
