import { z } from '@hono/zod-openapi'
import { createEventStream } from '../feed/event-stream.ts'
import { parsePosition } from '../feed/position.ts'
import { type Api, userRoute } from '../route.ts'
import { identify, secretOf } from '../who.ts'
import type { ApiDeps } from './deps.ts'
import { ApiError } from '../error.ts'

/** How often a viewer's credentials are asked about again: a revoked key or an expired token ends its feed within this. */
const checkMs = 1_000
/** Every so many checks a sign of life, well within the 25 s after which clients give a connection up. */
const checksPerBeat = 4

const route = userRoute({
  method: 'get',
  path: '/credits/v1/feed',
  summary: 'Everything as it happens',
  description:
    'Server-sent events: `balance` first (a full snapshot), then `balance`, `debit`, `grant`, `alert` and `period` as they happen, `budget` when one that is set changes, `session` while a voice call or meeting goes on (every two seconds, and at once when it is warned or ends), and a comment every 4 s. ' +
    'Drop a balance whose `version` is not higher within the same `epoch`. Send the last `id` as `Last-Event-ID` to get the debits and alerts in between. ' +
    'At most 20 balances a second; the last one always comes. The stream ends when its credentials do.',
  request: { headers: z.object({ 'last-event-id': z.string().max(200).optional() }) },
  responses: { 200: { description: 'The stream', content: { 'text/event-stream': { schema: z.string() } } } },
})

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  // no-transform keeps compressing proxies away: they would hold events back.
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

export function feedRoutes(app: Api, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    if (c.req.method === 'HEAD') return c.body(null, 200, headers)
    const { accountId } = c.get('user')
    const secret = secretOf(c)
    let leave = (): void => {}
    let ended = false
    let checks = 0
    const stopChecking = deps.clock.every(checkMs, () => {
      checks += 1
      if (checks % checksPerBeat === 0) stream.beat()
      identify(deps, secret).catch((error: unknown) => {
        // While it cannot be known (503) the viewer keeps what they were allowed to see.
        if (error instanceof ApiError && error.code === 'unauthenticated') stream.end()
      })
    })
    const stream = createEventStream({
      now: deps.clock.now,
      onEnd() {
        ended = true
        stopChecking()
        leave()
      },
    })
    try {
      leave = await deps.feeds.join(accountId, stream, parsePosition(c.req.header('last-event-id')))
      // The reader may be gone already.
      if (ended) leave()
    } catch (error) {
      stream.end()
      throw error
    }
    return c.body(stream.body, 200, headers)
  })
}
