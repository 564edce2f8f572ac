import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { listModels } from '../credits/resolve-model.ts'
import { cachedAccounts } from './account-reader.ts'
import { withCallerKey } from './caller-key.ts'
import { answerChat, type ChatDeps } from './chat-completions.ts'
import { defaultLimits, type GatewayDeps } from './deps.ts'
import { createEmployees } from './employees.ts'
import { usableImageModels } from './image-choice.ts'
import { answerImages } from './image-generations.ts'
import { createModelChooser } from './model-choice.ts'
import { type AnswerModelCall, createModelRoute } from './model-route.ts'
import { errorAnswer } from './openai-error.ts'

export interface ChatEnv {
  Bindings: HttpBindings
  Variables: { requestId?: string }
}

export interface ChatRoutes {
  /** POST /v1/chat/completions and /v1/images/generations, GET /v1/models, GET /v1/models/:id. Model calls need `@hono/node-server` before them. */
  readonly routes: Hono<ChatEnv>
  readonly answerModelCall: AnswerModelCall
}

/** The routes that stock OpenAI clients call. */
export function createChat(given: GatewayDeps): ChatRoutes {
  const recentAccount = cachedAccounts(given.readAccount, given.clock)
  const deps: ChatDeps = {
    ...given,
    recentAccount,
    employees: createEmployees(given, recentAccount),
    chooseModels: createModelChooser(given),
    limits: { ...defaultLimits, ...given.limits },
  }
  const app = new Hono<ChatEnv>()
  const answerModelCall = createModelRoute(deps, (key, caller) => answerChat(deps, key, caller))
  app.post('/v1/chat/completions', async (c) => {
    await answerModelCall(c.env.incoming, c.env.outgoing, c.get('requestId'))
    return RESPONSE_ALREADY_SENT
  })
  const answerImageCall = createModelRoute(deps, (key, caller) => answerImages(deps, key, caller))
  app.post('/v1/images/generations', async (c) => {
    await answerImageCall(c.env.incoming, c.env.outgoing, c.get('requestId'))
    return RESPONSE_ALREADY_SENT
  })
  app.get('/v1/models', async (c) => {
    const answer = await withCallerKey(deps, c.req, c.get('requestId'), () => json({ object: 'list', data: models() }))
    return new Response(answer.body, answer)
  })
  app.get('/v1/models/:id{.+}', async (c) => {
    const answer = await withCallerKey(deps, c.req, c.get('requestId'), () => oneModel(c.req.param('id')))
    return new Response(answer.body, answer)
  })
  return { routes: app, answerModelCall }

  function models() {
    const owners = new Map([
      ...listModels(deps.catalogue, deps.usable).map(({ id, ownedBy }) => [id, ownedBy] as const),
      // Some models write and draw: they are listed once.
      ...usableImageModels(deps.catalogue, deps.usable).map(({ id, provider }) => [id, provider] as const),
    ])
    return [...owners].map(([id, ownedBy]) => ({ id, object: 'model', created: 0, owned_by: ownedBy }))
  }

  function oneModel(id: string) {
    const model = models().find((each) => each.id === id)
    return model === undefined
      ? errorAnswer({ code: 'model_not_found', message: `the model '${id}' does not exist`, param: 'model' })
      : json(model)
  }
}

const json = (value: object) => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})
