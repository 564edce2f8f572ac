import { accountHeader } from '../middleware/attribution-headers.ts'
import type { AccountReader } from './account-reader.ts'
import type { Answer } from './answer.ts'
import type { CallerKey, GatewayDeps } from './deps.ts'
import { type CallError, errorAnswer } from './openai-error.ts'
import { sameSecret } from './same-secret.ts'
import { serviceKeyOf } from './service-key.ts'

export interface CallerKeyDeps extends Pick<GatewayDeps, 'keyRing' | 'log' | 'serviceKey'> {
  readonly recentAccount: AccountReader
}

interface CallerRequest {
  header(name: string): string | undefined
}

/** Does the work in the name of the key that a request brings, and answers for it when there is no such key or the work throws. Never rejects. */
export async function withCallerKey<Given extends Answer>(
  deps: CallerKeyDeps,
  request: CallerRequest,
  requestId: string | undefined,
  work: (key: CallerKey) => Promise<Given> | Given,
  onRefused: (code: string) => void = () => undefined,
): Promise<Given | ReturnType<typeof errorAnswer>> {
  const refuse = (error: CallError) => {
    onRefused(error.code)
    return errorAnswer(error)
  }
  try {
    const key = await authenticate(deps, request)
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

async function authenticate(
  { keyRing, serviceKey, recentAccount }: CallerKeyDeps,
  request: CallerRequest,
): Promise<CallerKey | CallError> {
  const secret = /^bearer +(\S{1,4096})$/i.exec(request.header('authorization') ?? '')?.[1]
  if (secret === undefined) return { code: 'missing_api_key', message: 'send Authorization: Bearer <API key>' }
  const named = request.header(accountHeader)
  if (serviceKey !== undefined && sameSecret(secret, serviceKey)) return serviceKeyOf(named, recentAccount)
  const key = await keyRing.find(secret)
  if (key === 'unknown') return { code: 'invalid_api_key', message: 'this API key is not valid' }
  if (key === 'revoked') return { code: 'revoked_api_key', message: 'this API key was revoked' }
  if (key === 'unavailable')
    return { code: 'keys_unavailable', message: 'the key cannot be checked now; try again shortly' }
  if (named !== undefined && named !== '' && named !== key.accountId)
    return {
      code: 'wrong_account',
      message: `this key is of another account than ${accountHeader} says`,
      param: accountHeader,
    }
  return key
}
