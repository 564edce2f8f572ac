import { z } from '@hono/zod-openapi'
import { sum } from '../../credits/money.ts'
import { ApiError } from '../error.ts'
import { type Api, Instant, instant, json, Micro, userRoute } from '../route.ts'
import { CostLine, costLines } from './cost-lines.ts'
import type { ApiDeps } from './deps.ts'
import { sessionReceipts } from './known-receipts.ts'
import { chargesOf, sessionOf } from './session-of.ts'
import { SessionId } from './sessions.ts'

export const SessionCost = z
  .object({
    sessionId: z.string(),
    total: Micro.openapi({
      description: 'Of the minutes that are charged: while it goes on, the one that runs is not.',
    }),
    lines: z.array(CostLine),
    entryIds: z.array(z.string()),
    startedAt: Instant,
    durationMs: z.int().openapi({ description: 'In whole seconds, rounded up.' }),
  })
  .openapi('SessionCost')

const route = userRoute({
  method: 'get',
  path: '/credits/v1/sessions/{id}/cost',
  summary: 'What a voice call or meeting cost',
  description: 'By its receipts, one a minute; the lines sum exactly to `total`. 404 `session_unknown`.',
  request: { params: z.object({ id: SessionId }) },
  responses: { 200: json(SessionCost, 'The cost') },
})

export function sessionCostRoutes(app: Api, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const { accountId } = c.get('user')
    const sessionId = c.req.valid('param').id
    const view = await deps.sessions.find({ accountId, sessionId })
    if (view === null) throw new ApiError('session_unknown', 'this account has no such session')
    const receipts = await sessionReceipts(deps, accountId, sessionId, chargesOf(view))
    const answer = {
      sessionId,
      total: sum(receipts.map((receipt) => receipt.charged)),
      lines: costLines(receipts),
      entryIds: receipts.map((receipt) => receipt.id),
      startedAt: instant(view.startedAtMs),
      durationMs: sessionOf(view).seconds * 1_000,
    }
    return c.json(answer, 200)
  })
}
