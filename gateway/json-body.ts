import type { MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import { ApiError } from './error.ts'
import { parseBody } from './parse-body.ts'
import type { ApiEnv } from './route.ts'

/** No write of the credits or admin API needs more. */
export const maxBytes = 64 * 1024
const mediaType = /^application\/([\w.-]+\+)?json$/i

/**
 * Reads a write's body once and refuses what is no JSON before anything else looks at it: 415 for another media type, 413 above 64 KiB,
 * 400 `malformed_json` with line and column. No body at all counts as `{}`. What the content must be is the route's to say.
 */
export function jsonBody(): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    if (!['POST', 'PUT', 'PATCH'].includes(c.req.method)) return next()
    // Where no route takes it, 404 or 405 says more than what is wrong with the body.
    if (matchedRoutes(c).every(({ method }) => method === 'ALL')) return next()
    const declared = (c.req.header('content-type') ?? '').split(';')[0]!.trim()
    if (declared !== '' && !mediaType.test(declared)) throw unsupported(declared)
    const sent = await readBounded(c.req.raw)
    // Whoever sends nothing says nothing: a route that needs something names what is missing
    const read = parseBody(declared === '' && sent?.byteLength === 0 ? Buffer.from('{}') : sent, maxBytes)
    if (!read.ok)
      throw new ApiError(read.error.code === 'body_too_large' ? 'body_too_large' : 'malformed_json', read.error.message)
    if (declared === '' && sent?.byteLength !== 0) throw unsupported('a body without content-type')
    // The validators read the body again, and a Request can be read only once.
    c.req.bodyCache.text = Promise.resolve(read.bytes.toString()) as never
    return next()
  }
}

/** undefined when it is longer than it may be: known from its declared length, else counted while it arrives. */
export async function readBounded(request: Request): Promise<Buffer | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return undefined
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function unsupported(what: string): ApiError {
  return new ApiError('unsupported_media_type', `send application/json, not ${what}`)
}
