import type { Refusal } from '../credits/refusal.ts'
import { microToCredits } from '../credits/money.ts'
import type { Answer } from './answer.ts'

interface Kind {
  readonly status: number
  readonly type: string
  /** Sent as x-should-retry: the stock clients obey it before anything else. */
  readonly retry: boolean
  readonly retryAfterSeconds?: number
}

/** Every way in which a model call is not answered, in one place: status, OpenAI's error type, and whether the same request may succeed later. */
const answers = {
  credits_depleted: { status: 402, type: 'insufficient_quota', retry: false },
  insufficient_credits: { status: 402, type: 'insufficient_quota', retry: false },
  budget_exhausted: { status: 402, type: 'insufficient_quota', retry: false },
  malformed_json: { status: 400, type: 'invalid_request_error', retry: false },
  invalid_request: { status: 400, type: 'invalid_request_error', retry: false },
  model_not_priced: { status: 400, type: 'invalid_request_error', retry: false },
  missing_api_key: { status: 401, type: 'invalid_request_error', retry: false },
  revoked_api_key: { status: 401, type: 'invalid_request_error', retry: false },
  invalid_api_key: { status: 401, type: 'invalid_request_error', retry: false },
  missing_account: { status: 400, type: 'invalid_request_error', retry: false },
  wrong_account: { status: 403, type: 'invalid_request_error', retry: false },
  account_unknown: { status: 403, type: 'invalid_request_error', retry: false },
  attribution_not_allowed: { status: 403, type: 'invalid_request_error', retry: false },
  model_not_found: { status: 404, type: 'invalid_request_error', retry: false },
  not_found: { status: 404, type: 'invalid_request_error', retry: false },
  method_not_allowed: { status: 405, type: 'invalid_request_error', retry: false },
  request_in_progress: { status: 409, type: 'invalid_request_error', retry: true, retryAfterSeconds: 2 },
  idempotency_conflict: { status: 409, type: 'invalid_request_error', retry: false },
  answer_not_kept: { status: 409, type: 'invalid_request_error', retry: false },
  id_conflict: { status: 409, type: 'invalid_request_error', retry: false },
  already_charged: { status: 409, type: 'invalid_request_error', retry: false },
  body_too_large: { status: 413, type: 'invalid_request_error', retry: false },
  upstream_failed: { status: 502, type: 'upstream_error', retry: true },
  upstream_cut: { status: 502, type: 'upstream_error', retry: false },
  upstream_timeout: { status: 504, type: 'upstream_error', retry: true },
  backlogged: { status: 503, type: 'server_error', retry: true, retryAfterSeconds: 5 },
  keys_unavailable: { status: 503, type: 'server_error', retry: true, retryAfterSeconds: 2 },
  ledger_unavailable: { status: 503, type: 'server_error', retry: true, retryAfterSeconds: 2 },
  outbox_unavailable: { status: 503, type: 'server_error', retry: true, retryAfterSeconds: 5 },
  internal_error: { status: 500, type: 'server_error', retry: false },
} as const satisfies Record<string, Kind> & Record<Refusal['kind'], Kind>

export type ErrorCode = keyof typeof answers

/** An answer that ends a call. `extra` goes into the error object beside the fields that OpenAI knows. */
export interface CallError {
  readonly code: ErrorCode
  readonly message: string
  readonly param?: string
  readonly extra?: Readonly<Record<string, unknown>>
}

/** OpenAI's error object. The message begins with the code, since some libraries drop the field. */
export function errorObject({ code, message, param, extra }: CallError): Record<string, unknown> {
  return { message: `${code}: ${message}`, type: answers[code].type, param: param ?? null, code, ...extra }
}

export function errorAnswer(error: CallError, headers: Readonly<Record<string, string>> = {}) {
  const kind: Kind = answers[error.code]
  return {
    status: kind.status,
    headers: {
      'content-type': 'application/json',
      'x-should-retry': String(kind.retry),
      ...(kind.retryAfterSeconds === undefined ? {} : { 'retry-after': String(kind.retryAfterSeconds) }),
      ...(kind.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...headers,
    },
    body: JSON.stringify({ error: errorObject(error) }),
  } satisfies Answer
}

/** The same for routes that answer with a `Response`. */
export function errorResponse(error: CallError, headers: Readonly<Record<string, string>> = {}): Response {
  const { body, ...init } = errorAnswer(error, headers)
  return new Response(body, init)
}

/** The last line of a stream that does not end well: the stock clients raise when they read it. */
export function errorLine(error: CallError): Buffer {
  return Buffer.from(`data: ${JSON.stringify({ error: errorObject(error) })}\n\n`)
}

/** What the balance would still pay for, in words and as a field of the error. */
export interface Fits {
  readonly words: string
  readonly extra: Readonly<Record<string, number>>
}

/** Output tokens per choice. */
export function outputThatFits(tokens: number): Fits {
  return {
    words: tokens < 1 ? 'a shorter input would be needed' : `a limit of ${tokens} output tokens would fit`,
    extra: { maxTokens: tokens },
  }
}

export function imagesThatFit(images: number): Fits {
  return {
    words: images < 1 ? 'that is not enough for one image' : `n: ${images} would fit`,
    extra: { maxImages: images },
  }
}

/** A refusal in words. */
export function refusalError(refusal: Refusal, fits?: Fits): CallError {
  switch (refusal.kind) {
    case 'credits_depleted':
      return { code: refusal.kind, message: 'there are no credits left; work resumes by itself when credits are added' }
    case 'insufficient_credits': {
      const { needed, available } = refusal
      const { words, extra } = fits ?? { words: 'a shorter input would be needed', extra: {} }
      return {
        code: refusal.kind,
        message: `this call needs at least ${microToCredits(needed)} credits, ${microToCredits(available)} are available now; ${words}`,
        extra: { neededMicro: needed, availableMicro: available, ...extra },
      }
    }
    case 'budget_exhausted':
      return {
        code: refusal.kind,
        message: `the budget of ${refusal.level} has ${microToCredits(refusal.left)} credits left, not enough for this call`,
        extra: { level: refusal.level, leftMicro: refusal.left },
      }
    case 'backlogged':
      return { code: refusal.kind, message: 'too much spending waits to be recorded; try again shortly' }
    case 'ledger_unavailable':
      return {
        code: refusal.kind,
        message: 'the credit ledger does not answer, so nothing may be spent; try again shortly',
      }
    case 'outbox_unavailable':
      return { code: refusal.kind, message: 'what this call costs could not be noted safely; try again shortly' }
    case 'account_unknown':
      return { code: refusal.kind, message: 'the account of this key does not exist' }
    case 'id_conflict':
      return { code: refusal.kind, message: 'this call id is in use with another amount' }
    case 'already_charged':
      return {
        code: refusal.kind,
        message: `this call was charged before (${microToCredits(refusal.charged)} credits)`,
      }
  }
}
