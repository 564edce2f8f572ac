import type { MiddlewareHandler } from 'hono'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { SignedIn } from './deps.ts'
import { DoorError } from './door-error.ts'

/** A key that was revoked opens the door for so long. */
const believedMs = 10_000

const balance = z.object({ accountId: z.string(), remaining: z.number() })

/** Whose request it is says the credits API: it takes the caller's own key or user token, and so does this door. */
export function signIn(gatewayUrl: string): MiddlewareHandler<SignedIn> {
  const known = new LRUCache<string, string>({ max: 1_000, ttl: believedMs })
  return async (context, next) => {
    const authorization = context.req.header('authorization') ?? ''
    const account = known.get(authorization) ?? (await accountOf(gatewayUrl, authorization))
    known.set(authorization, account)
    context.set('account', account)
    await next()
  }
}

/** Whether nothing is left of the caller's credits; false where nobody can say. */
export async function isDepleted(gatewayUrl: string, authorization: string): Promise<boolean> {
  const answer = await askBalance(gatewayUrl, authorization)
  return answer?.ok === true && balance.parse(await answer.json()).remaining === 0
}

async function accountOf(gatewayUrl: string, authorization: string): Promise<string> {
  const answer = await askBalance(gatewayUrl, authorization)
  if (answer?.status === 401)
    throw new DoorError(401, 'unauthenticated', 'send the API key or the user token of an account')
  if (answer?.ok !== true)
    throw new DoorError(503, 'gateway_unavailable', 'the gateway does not answer; try again shortly')
  return balance.parse(await answer.json()).accountId
}

/** undefined: the gateway does not answer. */
function askBalance(gatewayUrl: string, authorization: string): Promise<Response | undefined> {
  return fetch(`${gatewayUrl}/credits/v1/balance`, { headers: { authorization } }).catch(() => undefined)
}
