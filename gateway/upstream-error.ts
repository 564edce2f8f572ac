import type { Answer } from './answer.ts'
import { type CallError, errorAnswer } from './openai-error.ts'
import { readWhole, type UpstreamAnswer } from './upstream.ts'

const maxBytes = 64 * 1024

/**
 * A provider's refusal, passed on: status and body as they are where the body has OpenAI's shape, else put into it. What concerns the operator's own
 * key or bill is not the caller's: it becomes `upstream_failed`.
 */
export async function upstreamError(
  answer: UpstreamAnswer,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const bytes = await readWhole(answer.body, maxBytes).catch(() => undefined)
  const text = bytes?.toString() ?? ''
  if ([401, 402, 403].includes(answer.status)) {
    return errorAnswer(
      { code: 'upstream_failed', message: `the provider refused the gateway's own access (status ${answer.status})` },
      headers,
    )
  }
  const passedOn = {
    ...headers,
    'content-type': 'application/json',
    ...(answer.retryAfter === '' ? {} : { 'retry-after': answer.retryAfter }),
  }
  if (hasOpenAiShape(text)) return { status: answer.status, headers: passedOn, body: text }
  const message = text.trim() === '' ? `the provider answered with status ${answer.status}` : text.slice(0, 1_000)
  return {
    status: answer.status,
    headers: passedOn,
    body: JSON.stringify({
      error: { message: `upstream_failed: ${message}`, type: 'upstream_error', param: null, code: 'upstream_failed' },
    }),
  }
}

/** No answer at all. */
export function unreachable(error: unknown): CallError {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } }
  if (timeouts.has(code ?? cause?.code))
    return { code: 'upstream_timeout', message: 'the provider did not answer in time' }
  return { code: 'upstream_failed', message: 'the provider cannot be reached' }
}

const timeouts = new Set<unknown>(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT'])

function hasOpenAiShape(text: string): boolean {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } }
    return typeof error?.message === 'string'
  } catch {
    return false
  }
}
