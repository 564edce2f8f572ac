import { z } from '@hono/zod-openapi'
import type { ApiDeps } from '../api/deps.ts'
import { accepted } from '../api/reading.ts'
import { adminRoute, type Api, body, Instant, instant, json } from '../route.ts'
import { AccountId } from './accounts.ts'

const NewToken = z.strictObject({ lifetimeSeconds: z.int().min(30).max(3_600).default(900) }).openapi('NewToken')

const Token = z.object({ token: z.string(), expiresAt: Instant }).openapi('Token')

const mint = adminRoute({
  method: 'post',
  path: '/admin/v1/accounts/{id}/tokens',
  summary: 'Make a short-lived user token',
  description: 'For the user’s browser. It cannot be revoked, so it lives 15 minutes unless asked otherwise.',
  request: { params: z.object({ id: AccountId }), body: body(NewToken) },
  responses: { 201: json(Token, 'The token') },
})

export function tokenRoutes(app: Api, { tokens, accounts }: Pick<ApiDeps, 'tokens' | 'accounts'>): void {
  app.openapi(mint, async (c) => {
    const { id } = c.req.valid('param')
    accepted(await accounts.view(id))
    const { token, expiresAtMs } = await tokens.mint(id, c.req.valid('json'))
    return c.json({ token, expiresAt: instant(expiresAtMs) }, 201, { 'cache-control': 'no-store' })
  })
}
