import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from './answer.ts'
import { type Caller, callerOf } from './caller.ts'
import { type CallerKeyDeps, withCallerKey } from './caller-key.ts'
import type { CallerKey, GatewayDeps } from './deps.ts'

/** Answers one request of a model route on Node's own request and response. Never rejects: what cannot be written ends the connection. */
export type AnswerModelCall = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  requestId: string | undefined,
) => Promise<void>

/** A route that answers callers with an API key, in OpenAI's shape. */
export function createModelRoute(
  deps: CallerKeyDeps & Pick<GatewayDeps, 'metrics'>,
  answerCaller: (key: CallerKey, caller: Caller) => Promise<Answer>,
): AnswerModelCall {
  return async (incoming, outgoing, requestId) => {
    const caller = callerOf(incoming, outgoing)
    const answer = await withCallerKey(
      deps,
      caller,
      requestId,
      (key) => answerCaller(key, caller),
      (code) => deps.metrics?.refused(code),
    )
    try {
      await caller.answer(
        requestId === undefined ? answer : { ...answer, headers: { ...answer.headers, 'x-request-id': requestId } },
      )
    } catch (error) {
      // Nobody is left to tell it to, and nothing of one call may end the process of all
      deps.log.error({ err: error, requestId }, 'an answer could not be written')
      outgoing.destroy()
    }
  }
}
