import { z } from '@hono/zod-openapi'
import { sessionKinds } from '../../credits/session/session.ts'
import { type Api, json, Micro, userRoute } from '../route.ts'
import type { ApiDeps } from './deps.ts'

export const Price = z
  .object({
    activity: z.string().openapi({ example: 'image.hd' }),
    amount: Micro,
    per: z.string().openapi({ description: 'minute, task, image, call …', example: 'image' }),
    session: z.enum(sessionKinds).optional().openapi({ description: 'The kind of session of which it is the price.' }),
  })
  .openapi('Price')

const list = userRoute({
  method: 'get',
  path: '/credits/v1/prices',
  summary: 'Activities with a fixed price',
  description: 'Of the catalogue. What a model call costs depends on its tokens: see `estimate`.',
  request: {},
  responses: { 200: json(z.object({ items: z.array(Price), next: z.null() }), 'Prices') },
})

export function priceRoutes(app: Api, { catalogue }: Pick<ApiDeps, 'catalogue'>): void {
  const items = catalogue.activities.flatMap((activity) => {
    if (!('price' in activity)) return []
    const session = catalogue.sessions.kinds.find((each) => each.activity === activity.name)?.kind
    const price = { activity: activity.name, amount: activity.price, per: activity.per }
    return [session === undefined ? price : { ...price, session }]
  })
  app.openapi(list, (c) => c.json({ items, next: null }, 200))
}
