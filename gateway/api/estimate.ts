import { z } from '@hono/zod-openapi'
import { ChatRequest } from '../chat-request.ts'
import { ApiError } from '../error.ts'
import { type Api, body, Id, json, Micro, userRoute } from '../route.ts'
import type { ApiDeps } from './deps.ts'
import { readAccount } from './reading.ts'

const EstimateRequest = z
  .strictObject({
    model: z
      .string()
      .min(1)
      .max(200)
      .openapi({ description: 'A model, or fast, standard, advanced, employee.', example: 'fast' }),
    employee: Id.optional().openapi({ description: 'Whose tier `employee` means.' }),
    inputTokens: z.int().min(0).max(10_000_000).optional(),
    inputBytes: z
      .int()
      .min(0)
      .max(100_000_000)
      .optional()
      .openapi({ description: 'Instead of tokens: length of the text, UTF-8.' }),
    messages: ChatRequest.shape.messages.optional().openapi({ description: 'Instead of either: what would be sent.' }),
    maxTokens: z.int().min(1).optional().openapi({ description: 'The output limit that would be sent.' }),
  })
  .openapi('EstimateRequest')

const Estimate = z
  .object({
    model: z.string().openapi({ description: 'What would answer.' }),
    tier: z.string(),
    pricedAs: z.string(),
    median: Micro,
    p90: Micro.openapi({ description: 'Nine of ten such calls cost at most this.' }),
    samples: z.int().openapi({ description: 'Settled calls that this was learned from.' }),
    basis: z
      .enum(['learned', 'assumed'])
      .openapi({ description: '`assumed`: too few calls were seen; the lengths are those of common chats.' }),
    inputTokens: z.int(),
    outputTokens: z.object({ median: z.number(), p90: z.number() }),
  })
  .openapi('Estimate')

const route = userRoute({
  method: 'post',
  path: '/credits/v1/estimate',
  summary: 'What a call would usually cost',
  description: 'Median and 90th percentile, learned from settled calls of the model. Changes nothing.',
  request: { body: body(EstimateRequest) },
  responses: { 200: json(Estimate, 'An estimate, never a charge') },
})

export function estimateRoutes(app: Api, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const { employee: employeeId, ...request } = c.req.valid('json')
    const { card } = await readAccount(deps, c.get('user').accountId)
    const employee = card.employees.find(({ id }) => id === employeeId)
    if (employeeId !== undefined && employee === undefined)
      throw new ApiError('employee_unknown', `this account has no employee ${employeeId}`)
    const estimate = deps.estimate({ ...request, employee })
    if ('unknown' in estimate)
      throw new ApiError(
        'model_unknown',
        estimate.unknown === 'employee' && employee === undefined
          ? "the model 'employee' needs an employee: name one in `employee`"
          : `no provider here serves ${estimate.unknown}`,
      )
    if ('notPriced' in estimate) throw new ApiError('model_not_priced', `there is no price for ${estimate.notPriced}`)
    return c.json(estimate, 200)
  })
}
