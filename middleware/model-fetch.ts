import { createHash } from 'node:crypto'
import { accountHeader, attributionHeaders } from './attribution-headers.ts'
import { currentPurpose } from './internal-work.ts'
import { currentAttribution } from './temporal/attribution.ts'
import { callKeysOf } from './temporal/call-keys.ts'
import { currentWork } from './temporal/current-work.ts'

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

const keyHeader = 'idempotency-key'
const namedHeaders = [accountHeader, ...Object.values(attributionHeaders)]

/**
 * Sends requests to a gateway in the name of the activity that is running, or of the innermost `withAttribution`, and in activities with an idempotency key
 * that is the same in all attempts. Headers that the caller sends itself stay as they are. A request in nobody's name is not sent: its answer is 400
 * `missing_account`, as the gateway would give it, since an error thrown here would be tried again by some clients.
 */
export function createModelFetch(send: Fetch = fetch): Fetch {
  return async (input, init = {}) => {
    const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined))
    addNames(headers)
    if (!headers.has(accountHeader)) return inNobodysName()
    const request = { ...init, headers }
    const work = currentWork()
    const { method, body } = init
    if (work === undefined || method?.toUpperCase() !== 'POST' || typeof body !== 'string' || headers.has(keyHeader))
      return send(input, request)

    const keys = callKeysOf(work)
    const { pathname } = new URL(input instanceof Request ? input.url : input)
    const content = contentOf([pathname, ...namedHeaders.map((name) => headers.get(name) ?? ''), body])
    for (;;) {
      const key = keys.take(content)
      headers.set(keyHeader, key)
      const response = await send(input, request).catch((error: unknown) => {
        keys.giveBack(content, key)
        throw error
      })
      if (response.ok) return response
      // It was answered and paid for, and nobody has the answer any more: what needs it would be stuck for good, so the call is made anew.
      if (await isAnswerLost(response)) {
        await response.body?.cancel()
        continue
      }
      keys.giveBack(content, key)
      return response
    }
  }
}

/** Work for another account than the current one is not booked to the current one's employees. */
function addNames(headers: Headers): void {
  const purpose = currentPurpose()
  const who = currentAttribution()
  const named = headers.get(accountHeader)
  const ours = who === undefined || (named !== null && named !== who.account) ? undefined : who
  const names = {
    [accountHeader]: ours?.account,
    [attributionHeaders.employee]: ours?.employee,
    [attributionHeaders.organization]: ours?.organization,
    [attributionHeaders.message]: ours?.message,
    [attributionHeaders.purpose]: purpose,
  }
  for (const [name, value] of Object.entries(names))
    if (value !== undefined && value !== '' && !headers.has(name)) headers.set(name, value)
}

function contentOf(parts: readonly string[]): string {
  return `model ${createHash('sha256').update(JSON.stringify(parts)).digest('base64url')}`
}

async function isAnswerLost(response: Response): Promise<boolean> {
  if (response.status !== 409) return false
  const text = await response.clone().text()
  return /"code": ?"answer_not_kept"/.test(text)
}

function inNobodysName(): Response {
  const code = 'missing_account'
  const message = `${code}: a model call needs somebody to bill: make it in an activity of a run that was started with an account, or in withAttribution`
  return Response.json(
    { error: { message, type: 'invalid_request_error', param: accountHeader, code } },
    { status: 400, headers: { 'x-should-retry': 'false' } },
  )
}
