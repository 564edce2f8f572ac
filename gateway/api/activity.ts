import { z } from '@hono/zod-openapi'
import type { Receipt } from '../../credits/receipt.ts'
import { categories, parseRowKey } from '../../credits/usage-row.ts'
import { ApiError } from '../error.ts'
import { type Api, Id, json, userRoute } from '../route.ts'
import { Debit, debitOf } from './debit.ts'
import type { ApiDeps } from './deps.ts'
import { oncePerCharge } from './known-receipts.ts'

const Activity = z
  .object({
    items: z.array(Debit),
    next: z.string().nullable().openapi({ description: '`cursor` of the next page; null on the last one.' }),
  })
  .openapi('Activity')

const route = userRoute({
  method: 'get',
  path: '/credits/v1/activity',
  summary: 'Every charge, newest first',
  description: 'The first page also has what is not in the journal yet, on top of `limit`.',
  request: {
    query: z.object({
      cursor: z.string().max(100).optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
      category: z.enum(categories).optional(),
      employee: Id.optional(),
      organization: Id.optional(),
      from: z.iso.datetime({ offset: true }).optional(),
      to: z.iso.datetime({ offset: true }).optional(),
    }),
  },
  responses: { 200: json(Activity, 'A page of charges') },
})

export function activityRoutes(app: Api, { journal, undrained }: Pick<ApiDeps, 'journal' | 'undrained'>): void {
  app.openapi(route, async (c) => {
    const { accountId } = c.get('user')
    const { cursor, limit, from, to, ...named } = c.req.valid('query')
    const range = {
      fromMs: from === undefined ? undefined : Date.parse(from),
      toMs: to === undefined ? undefined : Date.parse(to),
    }
    const fits = ({ row, atMs }: Receipt): boolean => {
      const { category, employee, organization } = parseRowKey(row)
      return (
        (named.category === undefined || category === named.category) &&
        (named.employee === undefined || employee === named.employee) &&
        (named.organization === undefined || organization === named.organization) &&
        (range.fromMs === undefined || atMs >= range.fromMs) &&
        (range.toMs === undefined || atMs < range.toMs)
      )
    }
    // The stream before the journal: what is drained in between is then in both, not in neither.
    const waiting = cursor === undefined ? await undrained(accountId, fits) : []
    const page = await journal.activity(accountId, { ...named, ...range, cursor, limit })
    if (!page.ok)
      throw new ApiError('invalid_request', 'query.cursor: not a cursor of this list', {
        fields: { issues: [{ path: 'query.cursor', message: 'not a cursor of this list' }] },
      })
    const items = oncePerCharge([...waiting, ...page.entries]).toReversed()
    return c.json({ items: items.map(debitOf), next: page.next }, 200)
  })
}
