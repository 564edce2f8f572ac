import { z } from '@hono/zod-openapi'
import type { ApiDeps } from '../api/deps.ts'
import { adminRoute, type Api, Instant, instant, json } from '../route.ts'
import { AccountId } from './accounts.ts'

const Facts = z.record(z.string(), z.unknown())
const AuditEntry = z
  .object({
    id: z.string(),
    at: Instant,
    accountId: z.string().openapi({ description: 'Empty: it concerns no single account.' }),
    who: z.string(),
    action: z.string().openapi({ example: 'POST /admin/v1/accounts/{id}/grants' }),
    why: z.string(),
    request: Facts,
    before: Facts.nullable(),
    after: Facts.nullable(),
    outcome: z.string().nullable().openapi({
      description: '`done`, or the code of the refusal; null: begun, and how it ended was never noted.',
    }),
  })
  .openapi('AuditEntry')

const list = adminRoute({
  method: 'get',
  path: '/admin/v1/audit',
  summary: 'What operators changed, newest first',
  description: 'Who, what, why, and the account before and after. Entries are never changed or removed by Tollgate.',
  request: {
    query: z.object({
      account: AccountId.optional(),
      cursor: z
        .string()
        .regex(/^\d{1,15}\.aud_[\w-]{36}$/, 'not a cursor of this list')
        .optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(z.object({ items: z.array(AuditEntry), next: z.string().nullable() }), 'A page of entries') },
})

export function auditRoutes(app: Api, { journal }: Pick<ApiDeps, 'journal'>): void {
  app.openapi(list, async (c) => {
    const { account: accountId, cursor, limit } = c.req.valid('query')
    const found = await journal.audit.list({ accountId, before: positionOf(cursor), limit: limit + 1 })
    const page = found.slice(0, limit)
    const last = page.at(-1)
    return c.json(
      {
        items: page.map(({ atMs, ...entry }) => ({ ...entry, at: instant(atMs) })),
        next: found.length > limit && last !== undefined ? `${last.atMs}.${last.id}` : null,
      },
      200,
    )
  })
}

function positionOf(cursor: string | undefined): { readonly atMs: number; readonly id: string } | undefined {
  if (cursor === undefined) return undefined
  const dot = cursor.indexOf('.')
  return { atMs: Number(cursor.slice(0, dot)), id: cursor.slice(dot + 1) }
}
