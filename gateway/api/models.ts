import { z } from '@hono/zod-openapi'
import { listModels } from '../../credits/resolve-model.ts'
import { type Api, json, userRoute } from '../route.ts'
import type { ApiDeps } from './deps.ts'
import { localModels } from './local-models.ts'

export const Model = z
  .object({
    id: z.string().openapi({ description: 'As an employee’s `model` takes it.', example: 'openai/gpt-6-sol' }),
    local: z.boolean().openapi({ description: 'Its tokens cost nothing.' }),
  })
  .openapi('Model')

const list = userRoute({
  method: 'get',
  path: '/credits/v1/models',
  summary: 'Models that an employee can be given',
  description: 'Those of the providers that this gateway can reach. A tier’s own are among them.',
  request: {},
  responses: { 200: json(z.object({ items: z.array(Model), next: z.null() }), 'Models') },
})

export function modelRoutes(app: Api, { catalogue, usable }: Pick<ApiDeps, 'catalogue' | 'usable'>): void {
  const isLocal = localModels(catalogue)
  const items = listModels(catalogue, usable)
    .filter(({ ownedBy }) => ownedBy !== 'tollgate')
    .map(({ id }) => ({ id, local: isLocal(id) }))
  app.openapi(list, (c) => c.json({ items, next: null }, 200))
}
