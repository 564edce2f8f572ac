import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { listModels } from '../credits/resolve-model.ts'
import { cachedAccounts } from './account-reader.ts'
import type { Answer } from './answer.ts'
import { callerOf } from './caller.ts'
import { answerChat, type ChatDeps } from './chat-completions.ts'
import type { CallerKey, GatewayDeps } from './deps.ts'
import { createEmployees } from './employees.ts'
import { createModelChooser } from './model-choice.ts'
import { type CallError, errorAnswer } from './openai-error.ts'

export interface ChatEnv {
  Bindings: HttpBindings
  Variables: { requestId?: string }
}

/** Answers one POST /v1/chat/completions on Node's own request and response. Never rejects. */
export type AnswerModelCall = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  requestId: string | undefined,
) => Promise<void>

export interface ChatRoutes {
  /** POST /v1/chat/completions, GET /v1/models, GET /v1/models/:id. Model calls need `@hono/node-server` before them. */
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
  }
  const app = new Hono<ChatEnv>()
  const answerModelCall: AnswerModelCall = async (incoming, outgoing, requestId) => {
    const caller = callerOf(incoming, outgoing)
    const answer = await admit(
      caller.header('authorization'),
      requestId,
      (key) => answerChat(deps, key, caller),
      (code) => deps.metrics?.refused(code),
    )
    await caller.answer(
      requestId === undefined ? answer : { ...answer, headers: { ...answer.headers, 'x-request-id': requestId } },
    )
  }
  app.post('/v1/chat/completions', async (c) => {
    await answerModelCall(c.env.incoming, c.env.outgoing, c.get('requestId'))
    return RESPONSE_ALREADY_SENT
  })
  app.get('/v1/models', async (c) => {
    const answer = await admit(c.req.header('authorization'), c.get('requestId'), () =>
      json({ object: 'list', data: models() }),
    )
    return new Response(answer.body, answer)
  })
  app.get('/v1/models/:id{.+}', async (c) => {
    const answer = await admit(c.req.header('authorization'), c.get('requestId'), () => oneModel(c.req.param('id')))
    return new Response(answer.body, answer)
  })
  return { routes: app, answerModelCall }

  async function admit<Given extends Answer>(
    authorization: string | undefined,
    requestId: string | undefined,
    work: (key: CallerKey) => Promise<Given> | Given,
    onRefused: (code: string) => void = () => undefined,
  ): Promise<Given | ReturnType<typeof errorAnswer>> {
    const refuse = (error: CallError) => {
      onRefused(error.code)
      return errorAnswer(error)
    }
    try {
      const key = await authenticate(deps, authorization ?? '')
      return 'code' in key ? refuse(key) : await work(key)
    } catch (error) {
      const unavailable = error instanceof Error && error.name.endsWith('Unavailable')
      if (!unavailable) deps.log.error({ err: error, requestId }, 'a model call failed')
      return refuse(
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

async function authenticate({ keyRing }: GatewayDeps, header: string): Promise<CallerKey | CallError> {
  const secret = /^bearer +(\S{1,4096})$/i.exec(header)?.[1]
  if (secret === undefined) return { code: 'missing_api_key', message: 'send Authorization: Bearer <API key>' }
  const key = await keyRing.find(secret)
  if (key === 'unknown') return { code: 'invalid_api_key', message: 'this API key is not valid' }
  if (key === 'revoked') return { code: 'revoked_api_key', message: 'this API key was revoked' }
  if (key === 'unavailable')
    return { code: 'keys_unavailable', message: 'the key cannot be checked now; try again shortly' }
  return key
}
