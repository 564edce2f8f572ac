import { type Context, Hono } from 'hono'
import { listModels } from '../credits/resolve-model.ts'
import { cachedAccounts } from './account-reader.ts'
import { answerChat, type ChatDeps } from './chat-completions.ts'
import type { CallerKey, GatewayDeps } from './deps.ts'
import { createEmployees } from './employees.ts'
import { type CallError, errorResponse } from './openai-error.ts'

/** The routes that stock OpenAI clients call: POST /v1/chat/completions, GET /v1/models, GET /v1/models/:id. */
export function chatRoutes(given: GatewayDeps): Hono {
  const recentAccount = cachedAccounts(given.readAccount, given.clock)
  const deps: ChatDeps = { ...given, recentAccount, employees: createEmployees(given, recentAccount) }
  const app = new Hono()
  app.post('/v1/chat/completions', (c) => answer(c, (key) => answerChat(deps, key, c.req.raw)))
  app.get('/v1/models', (c) => answer(c, () => Promise.resolve(Response.json({ object: 'list', data: models() }))))
  app.get('/v1/models/:id{.+}', (c) => answer(c, () => Promise.resolve(oneModel(c.req.param('id')))))
  return app

  async function answer(c: Context, work: (key: CallerKey) => Promise<Response>): Promise<Response> {
    try {
      const key = await authenticate(deps, c.req.header('authorization') ?? null)
      return 'code' in key ? errorResponse(key) : await work(key)
    } catch (error) {
      const unavailable = error instanceof Error && error.name.endsWith('Unavailable')
      if (!unavailable) deps.log.error({ err: error, requestId: c.get('requestId') as unknown }, 'a model call failed')
      return errorResponse(
        unavailable
          ? {
              code: 'ledger_unavailable',
              message: 'the credit ledger does not answer, so nothing may be spent; try again shortly',
            }
          : { code: 'internal_error', message: 'something went wrong on our side' },
      )
    }
  }

  function models() {
    return listModels(deps.catalogue, deps.usable).map(({ id, ownedBy }) => ({
      id,
      object: 'model',
      created: 0,
      owned_by: ownedBy,
    }))
  }

  function oneModel(id: string): Response {
    const model = models().find((each) => each.id === id)
    return model === undefined
      ? errorResponse({ code: 'model_not_found', message: `the model '${id}' does not exist`, param: 'model' })
      : Response.json(model)
  }
}

async function authenticate({ keyRing }: GatewayDeps, header: string | null): Promise<CallerKey | CallError> {
  const secret = /^bearer +(\S{1,4096})$/i.exec(header ?? '')?.[1]
  if (secret === undefined) return { code: 'missing_api_key', message: 'send Authorization: Bearer <API key>' }
  const key = await keyRing.find(secret)
  if (key === 'unknown') return { code: 'invalid_api_key', message: 'this API key is not valid' }
  if (key === 'revoked') return { code: 'revoked_api_key', message: 'this API key was revoked' }
  if (key === 'unavailable')
    return { code: 'keys_unavailable', message: 'the key cannot be checked now; try again shortly' }
  return key
}
