import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { MiddlewareHandler } from 'hono'
import type { ApiEnv } from './route.ts'

/** A caller's own id is kept if it cannot be mistaken for anything else in a log. */
const usable = /^[A-Za-z0-9_-]{8,64}$/

/** The id of a request: the caller's own, or a new one. */
export function requestIdOf(incoming: IncomingMessage): string {
  return usableOr(incoming.headers['x-request-id'])
}

function usableOr(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && usable.test(given) ? given : randomUUID()
}

/** Every answer names its request, so that what a user reports is found in the log. */
export function requestId(): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const incoming = (c.env as Partial<HttpBindings> | undefined)?.incoming
    // Asking Hono would make a web `Headers` of all of them first.
    const id = incoming === undefined ? usableOr(c.req.header('x-request-id')) : requestIdOf(incoming)
    c.set('requestId', id)
    await next()
    // A route that wrote its answer itself wrote the id into it.
    if (c.res !== RESPONSE_ALREADY_SENT) c.res.headers.set('x-request-id', id)
  }
}
