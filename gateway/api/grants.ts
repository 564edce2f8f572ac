import { z } from '@hono/zod-openapi'
import type { GrantView } from '../../credits/account/messages.ts'
import { leftOf } from '../../credits/burn.ts'
import { less } from '../../credits/money.ts'
import type { AccountReading } from '../../ledger/ledger.ts'
import { type Api, json, userRoute } from '../route.ts'
import { balanceOf, grantSources } from './balance-of.ts'
import type { ApiDeps } from './deps.ts'
import { Grant, grantOf } from './grant-of.ts'
import { accepted, readAccount } from './reading.ts'

const Grants = z.object({ items: z.array(Grant), next: z.string().nullable() }).openapi('Grants')

const route = userRoute({
  method: 'get',
  path: '/credits/v1/grants',
  summary: 'Bonuses, packs and adjustments, newest first',
  description:
    'Plan allowances are listed with `source=plan` alone. 503 `temporal_unavailable` while Temporal is away.',
  request: {
    query: z.object({
      source: z.enum(grantSources).optional(),
      cursor: z
        .string()
        .regex(/^\d{1,9}$/, 'not a cursor of this list')
        .optional(),
      limit: z.coerce.number().int().min(1).max(100).default(25),
    }),
  },
  responses: { 200: json(Grants, 'A page of grants') },
})

export function grantRoutes(app: Api, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const { accountId } = c.get('user')
    const { source, cursor, limit } = c.req.valid('query')
    const { view } = accepted(await deps.accounts.view(accountId))
    const grants = withLiveLeft(view.grants, await readAccount(deps, accountId), deps.catalogue.policies)
      .filter((grant) => (source === undefined ? grant.source !== 'plan' : grant.source === source))
      .toSorted((one, other) => other.atMs - one.atMs)
    // Counted from the oldest: a grant that comes in while somebody pages shifts nothing.
    const end = cursor === undefined ? grants.length : Math.min(Number(cursor), grants.length)
    const page = grants.slice(grants.length - end, grants.length - end + limit)
    const rest = end - page.length
    return c.json({ items: page.map(grantOf), next: rest > 0 ? String(rest) : null }, 200)
  })
}

/** The workflow knows what was left at the last reconcile; the ledger what is left now, so that grants add up to the balance. */
function withLiveLeft(
  grants: readonly GrantView[],
  reading: AccountReading,
  policies: { readonly depletedBelow: number },
): readonly GrantView[] {
  const { card } = reading
  const { remaining } = balanceOf(reading, policies as never)
  const live = new Map(leftOf(card.grants, less(card.total, remaining)).map(({ grant, left }) => [grant.id, left]))
  return grants.map((grant) => {
    const left = live.get(grant.id)
    return left === undefined ? grant : { ...grant, left, status: left === 0 ? 'used_up' : 'active' }
  })
}
