import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { AnswerModelCall } from './model-route.ts'
import { requestIdOf } from './request-id.ts'

/**
 * What the server does with a request. Model calls go straight to their answer: finding their route among the others, and the web's objects around
 * it, cost a call several percent of all that it takes. The app answers them as well, and everything else.
 */
export function createListener(
  app: { readonly fetch: Parameters<typeof getRequestListener>[0] },
  answerModelCall: AnswerModelCall,
): RequestListener {
  const others = getRequestListener(app.fetch)
  return (incoming, outgoing) => {
    if (incoming.method === 'POST' && incoming.url === '/v1/chat/completions')
      void answerModelCall(incoming, outgoing, requestIdOf(incoming))
    else void others(incoming, outgoing)
  }
}
