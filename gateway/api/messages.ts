import { z } from '@hono/zod-openapi'
import { type Micro as Amount, sum } from '../../credits/money.ts'
import type { Receipt } from '../../credits/receipt.ts'
import { parseRowKey } from '../../credits/usage-row.ts'
import { ApiError } from '../error.ts'
import { type Api, Instant, instant, json, Micro, userRoute } from '../route.ts'
import type { ApiDeps } from './deps.ts'
import { CostLine, costLines } from './cost-lines.ts'
import { messageReceipts } from './known-receipts.ts'
import { localModels } from './local-models.ts'

export const MessageCost = z
  .object({
    messageId: z.string(),
    state: z.enum(['streaming', 'settling', 'final', 'not_charged', 'partial']).openapi({
      description: '`partial`: cut at zero, abandoned, failed or timed out, and charged for what was produced.',
    }),
    total: Micro,
    tier: z.string(),
    model: z.string(),
    local: z.boolean().optional().openapi({ description: 'A local model answered: AI is not charged.' }),
    priceVersion: z.string(),
    lines: z.array(CostLine),
    entryIds: z.array(z.string()),
    startedAt: Instant,
    durationMs: z.number(),
  })
  .openapi('MessageCost')
export type MessageCost = z.infer<typeof MessageCost>

const MessageId = z.string().min(1).max(500)

const MessageCosts = z.object({ items: z.array(MessageCost), next: z.null() }).openapi('MessageCosts')

const listRoute = userRoute({
  method: 'get',
  path: '/credits/v1/messages',
  summary: 'What several chat messages cost',
  description: 'Of those for which a first charge is settled, in the order in which they were asked for.',
  request: {
    query: z.object({
      id: z.union([MessageId.transform((id) => [id]), z.array(MessageId).max(25)]).openapi({
        description: 'Once for each message, 25 at most.',
      }),
    }),
  },
  responses: { 200: json(MessageCosts, 'The costs') },
})

const route = userRoute({
  method: 'get',
  path: '/credits/v1/messages/{id}',
  summary: 'What one chat message cost',
  description:
    'Everything that was done under one `x-tollgate-message`: model calls, tools, internal work, free items. 404 `message_unknown` until its first charge is settled.',
  request: { params: z.object({ id: MessageId }) },
  responses: { 200: json(MessageCost, 'The cost') },
})

export function messageRoutes(app: Api, deps: ApiDeps): void {
  const isLocal = localModels(deps.catalogue)
  const costs = async (accountId: string, ids: readonly string[]): Promise<MessageCost[]> =>
    (await messageReceipts(deps, accountId, ids))
      .filter(({ receipts }) => receipts.length > 0)
      .map(({ messageId, receipts }) => messageCost(messageId, receipts, isLocal))

  app.openapi(listRoute, async (c) => {
    const { id } = c.req.valid('query')
    return c.json({ items: await costs(c.get('user').accountId, [...new Set(id)]), next: null }, 200)
  })

  app.openapi(route, async (c) => {
    const [cost] = await costs(c.get('user').accountId, [c.req.valid('param').id])
    if (cost === undefined)
      throw new ApiError('message_unknown', 'nothing was charged for such a message in this account')
    return c.json(cost, 200)
  })
}

/** All receipts of a message as one cost; its lines sum exactly to its total, which is what was charged. */
function messageCost(
  messageId: string,
  receipts: readonly Receipt[],
  isLocal: (model: string) => boolean,
): MessageCost {
  const main = receipts.find((receipt) => parseRowKey(receipt.row).category === 'ai_usage') ?? receipts[0]!
  const { tier, model } = parseRowKey(main.row)
  const total = sum(receipts.map((receipt) => receipt.charged))
  const startedAtMs = Math.min(...receipts.map((receipt) => receipt.detail?.startedAtMs ?? receipt.atMs))
  const endedAtMs = Math.max(
    ...receipts.map((receipt) =>
      receipt.detail === null ? receipt.atMs : receipt.detail.startedAtMs + receipt.detail.durationMs,
    ),
  )
  return {
    messageId,
    state: stateOf(receipts, total),
    total,
    tier,
    model,
    ...(isLocal(model) ? { local: true } : {}),
    priceVersion: main.detail?.priceVersion ?? '',
    lines: costLines(receipts),
    entryIds: receipts.map((receipt) => receipt.id),
    startedAt: instant(startedAtMs),
    durationMs: Math.max(0, endedAtMs - startedAtMs),
  }
}

function stateOf(receipts: readonly Receipt[], total: Amount): MessageCost['state'] {
  const unfinished = receipts.filter((receipt) => receipt.detail?.outcome !== 'finished')
  if (unfinished.length === 0) return 'final'
  if (total === 0) return 'not_charged'
  // A call that failed before any output cost nothing; another one answered in its place.
  return unfinished.every(({ charged, uncollected }) => charged + uncollected === 0) ? 'final' : 'partial'
}
