import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { JournalUnavailable } from '../journal/journal-unavailable.ts'
import { LedgerUnavailable } from '../ledger/ledger.ts'
import { TemporalUnavailable } from '../middleware/accounts.ts'
import { MailRefused, MailUnavailable } from '../middleware/mail/mailer.ts'

/** Every code the credits and admin API answers with, and its status. Clients switch on the code alone. */
export const answers = {
  malformed_json: 400,
  invalid_request: 400,
  unauthenticated: 401,
  signature_invalid: 401,
  link_invalid: 401,
  link_expired: 401,
  link_used: 401,
  credits_depleted: 402,
  insufficient_credits: 402,
  budget_exhausted: 402,
  forbidden: 403,
  signup_closed: 403,
  checkout_closed: 403,
  origin_refused: 403,
  not_found: 404,
  account_unknown: 404,
  receipt_unknown: 404,
  message_unknown: 404,
  employee_unknown: 404,
  key_unknown: 404,
  model_unknown: 404,
  promo_unknown: 404,
  invite_unknown: 404,
  alert_unknown: 404,
  order_unknown: 404,
  budget_unknown: 404,
  organization_unknown: 404,
  session_unknown: 404,
  pack_unknown: 422,
  method_not_allowed: 405,
  account_conflict: 409,
  employee_conflict: 409,
  organization_conflict: 409,
  version_conflict: 409,
  grant_conflict: 409,
  key_already_created: 409,
  promo_conflict: 409,
  invite_too_soon: 409,
  checkout_required: 409,
  checkout_not_needed: 409,
  idempotency_conflict: 409,
  session_over: 409,
  order_conflict: 409,
  order_cancelled: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  plan_unknown: 422,
  time_zone_unknown: 422,
  amount_invalid: 422,
  too_many_employees: 422,
  too_many_grants: 422,
  too_many_organizations: 422,
  too_many_budgets: 422,
  session_kind_unknown: 422,
  adapter_not_configured: 422,
  adapter_refused: 422,
  promo_expired: 422,
  promo_used: 422,
  model_not_priced: 422,
  invite_limit: 429,
  internal_error: 500,
  ledger_unavailable: 503,
  temporal_unavailable: 503,
  journal_unavailable: 503,
  adapter_unavailable: 503,
  mail_unavailable: 503,
  company_unavailable: 503,
} as const satisfies Record<string, number>
export type ErrorCode = keyof typeof answers

/** What else an error tells: fields of `error` beside code, message and requestId, and headers. */
export interface ErrorDetails {
  readonly fields?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that ends the request; thrown by handlers, written by `answerError` alone. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, { cause })
    this.code = code
    this.details = details
  }
}

/** Seconds after which a client may ask again when a part is away: long enough not to be a stampede, short enough not to be noticed. */
const retryAfterSeconds = 2
export const retryAfter: ErrorDetails = {
  fields: { retryAfter: retryAfterSeconds },
  headers: { 'retry-after': String(retryAfterSeconds) },
}

/** A part that does not answer: nothing is known, so nothing is guessed. */
export function unavailable(part: 'ledger' | 'temporal' | 'journal' | 'mail' | 'company', cause?: unknown): ApiError {
  const names = {
    ledger: 'the ledger (Redis)',
    temporal: 'Temporal',
    journal: 'the journal (PostgreSQL)',
    mail: 'the mail server',
    company: 'the company',
  }
  return new ApiError(`${part}_unavailable`, `${names[part]} does not answer; try again`, retryAfter, cause)
}

/** Writes any error in the one shape. Unknown ones say nothing but the request id: the log has the rest. */
export function answerError(
  error: unknown,
  c: Context,
  log: { error(fields: object, message: string): void },
): Response {
  const requestId: string = c.get('requestId')
  const known = knownError(error)
  if (known === undefined)
    log.error({ err: error, requestId, method: c.req.method, path: c.req.path }, 'request failed')
  else if (answers[known.code] >= 500)
    log.error({ err: known.cause ?? known, requestId, code: known.code }, 'request refused')
  const { code, message, details } =
    known ?? new ApiError('internal_error', 'something went wrong on our side; the request id finds it in the log')
  return c.json({ error: { code, message, requestId, ...details.fields } }, answers[code], { ...details.headers })
}

function knownError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error
  if (error instanceof LedgerUnavailable) return unavailable('ledger', error)
  if (error instanceof TemporalUnavailable) return unavailable('temporal', error)
  if (error instanceof JournalUnavailable) return unavailable('journal', error)
  if (error instanceof MailUnavailable || error instanceof MailRefused) return unavailable('mail', error)
  if (error instanceof HTTPException) return fromHttpException(error)
  return undefined
}

function fromHttpException(error: HTTPException): ApiError | undefined {
  if (error.status === 413) return new ApiError('body_too_large', 'the request body is too large')
  if (error.status === 415) return new ApiError('unsupported_media_type', 'send application/json')
  if (error.status === 400) return new ApiError('malformed_json', error.message)
  return undefined
}
