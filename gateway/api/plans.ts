import { z } from '@hono/zod-openapi'
import { type Api, json, Micro, userRoute } from '../route.ts'
import type { ApiDeps } from './deps.ts'

export const Plans = z
  .object({
    items: z.array(z.object({ id: z.string(), name: z.string(), allowance: Micro, priceCents: z.int() })),
    next: z.null(),
  })
  .openapi('Plans')
export const Packs = z
  .object({
    items: z.array(z.object({ id: z.string(), name: z.string(), amount: Micro, priceCents: z.int() })),
    next: z.null(),
  })
  .openapi('Packs')

const plans = userRoute({
  method: 'get',
  path: '/credits/v1/plans',
  summary: 'Plans of the catalogue',
  responses: { 200: json(Plans, 'Plans') },
})
const packs = userRoute({
  method: 'get',
  path: '/credits/v1/packs',
  summary: 'Credit packs of the catalogue',
  responses: { 200: json(Packs, 'Packs') },
})

export function planRoutes(app: Api, { catalogue }: Pick<ApiDeps, 'catalogue'>): void {
  app.openapi(plans, (c) =>
    c.json(
      {
        items: catalogue.plans.map(({ id, name, allowance, priceCents }) => ({ id, name, allowance, priceCents })),
        next: null,
      },
      200,
    ),
  )
  app.openapi(packs, (c) =>
    c.json(
      {
        items: catalogue.packs.map(({ id, name, amount, priceCents }) => ({ id, name, amount, priceCents })),
        next: null,
      },
      200,
    ),
  )
}
