import { Agent, type Dispatcher } from 'undici'
import { type UpstreamAnswer, type UpstreamCall, type UpstreamProvider, UpstreamUnreachable } from '../upstream.ts'
import { dispatch } from './dispatch.ts'

export interface OpenAiCompatible {
  readonly id: string
  /** With its version part: https://api.openai.com/v1 */
  readonly baseUrl: string
  /** '' when the provider needs none, as Ollama. */
  readonly apiKey: string
  readonly outputLimitField: UpstreamProvider['outputLimitField']
  readonly dispatcher?: Dispatcher
}

/** Any provider that speaks OpenAI's chat completions and image generations, by URL and key. */
export function createOpenAiCompatible({
  id,
  baseUrl,
  apiKey,
  outputLimitField,
  // The global one is reached through a function that reads the address anew for every call.
  dispatcher = new Agent(),
}: OpenAiCompatible): UpstreamProvider {
  const headers = {
    'content-type': 'application/json',
    // Compressed bytes could not be tapped, and a compressing proxy would hold chunks back.
    'accept-encoding': 'identity',
    ...(apiKey === '' ? {} : { authorization: `Bearer ${apiKey}` }),
  }
  return { id, outputLimitField, chat: post('chat/completions'), images: post('images/generations') }

  function post(route: string): (call: UpstreamCall<object>) => Promise<UpstreamAnswer> {
    const { origin, pathname, search } = new URL(`${baseUrl.replace(/\/+$/, '')}/${route}`)
    return async ({ model, body, receipt, cancellation, timeoutMs }) => {
      const options = {
        origin,
        path: pathname + search,
        method: 'POST' as const,
        // OpenAI logs this name; elsewhere it is an unknown header, and ignored.
        headers: { ...headers, 'x-client-request-id': receipt },
        body: JSON.stringify({ ...body, model }),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      }
      try {
        const answer = await dispatch(dispatcher, options, cancellation)
        return {
          status: answer.status,
          contentType: text(answer.headers['content-type']),
          retryAfter: text(answer.headers['retry-after']),
          body: answer.body,
        }
      } catch (error) {
        throw new UpstreamUnreachable(`${id}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        })
      }
    }
  }
}

const text = (header: string | string[] | undefined): string =>
  Array.isArray(header) ? (header[0] ?? '') : (header ?? '')
