import { createRoute, type OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi'
import { ApiError } from './error.ts'
import type { User } from './who.ts'

/** What every request carries: a request id, and behind `requireUser` the user. */
export interface ApiEnv {
  Variables: { requestId: string; user: User }
}
export type Api = OpenAPIHono<ApiEnv>

export const ErrorAnswer = z
  .object({
    error: z.looseObject({
      code: z.string().openapi({ description: 'Stable; switch on this alone.', example: 'invalid_request' }),
      message: z.string(),
      requestId: z.string(),
      retryAfter: z.number().optional().openapi({ description: 'Seconds; on 503.' }),
      issues: z
        .array(z.object({ path: z.string(), message: z.string() }))
        .optional()
        .openapi({ description: 'One per field; on `invalid_request`.' }),
    }),
  })
  .openapi('Error')

/** Micro-credits in an answer or a request. */
export const Micro = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .openapi({ description: 'Micro-credits: 1 credit = 1,000,000. An exact integer.', example: 4_200_000 })

export const Instant = z.string().openapi({ format: 'date-time', example: '2026-11-01T00:00:00.000Z' })
export const instant = (ms: number): string => new Date(ms).toISOString()

/** Ids that callers choose: what a row key, a Redis key and a workflow id all take. */
export const Id = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/,
    'an id has 1–128 characters: letters, digits and . _ : @ -, the first a letter or digit',
  )

/** A short human text without control characters. */
export const text = (maximum: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maximum)
    // oxlint-disable-next-line no-control-regex -- exactly these are to be kept out
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'may not contain control characters')

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})
export const body = <T extends z.ZodType>(schema: T) => ({
  required: true,
  content: { 'application/json': { schema } },
})

const problem = (description: string) => json(ErrorAnswer, description)
const problems = {
  400: problem('`malformed_json` (with line and column) or `invalid_request` (with one issue per field)'),
  401: problem('`unauthenticated`: missing, wrong, expired or revoked credentials'),
  404: problem('`not_found`, or `…_unknown`: no such thing in this account'),
  503: problem('`ledger_unavailable`, `temporal_unavailable` or `journal_unavailable`, with Retry-After'),
  default: problem('any other error, in the same shape'),
}

type Config<P extends string> = Omit<RouteConfig, 'path'> & { path: P }

/** A route of the credits API: key, user token or cookie. `createApp` guards the whole path prefix; this writes it down. */
export function userRoute<P extends string, const R extends Config<P>>(config: R & { path: P }) {
  return createRoute(
    withProblems({ tags: ['Credits'], security: [{ apiKey: [] }, { userToken: [] }, { cookie: [] }], ...config }),
  )
}

/** A route of the credits API for people who are not signed in yet. */
export function openRoute<P extends string, const R extends Config<P>>(config: R & { path: P }) {
  return createRoute(withProblems({ tags: ['Credits'], security: [], ...config }))
}

/** A route of the operator's API: admin key. */
export function adminRoute<P extends string, const R extends Config<P>>(config: R & { path: P }) {
  return createRoute(withProblems({ tags: ['Admin'], security: [{ adminKey: [] }], ...config }))
}

/** Handlers return the good answers alone, and their types say so: what goes wrong is thrown and answered in one place. */
function withProblems<R extends { readonly responses: object }>(config: R): R {
  return { ...config, responses: { ...problems, ...config.responses } }
}

/** A failed validation in our shape: one issue per field. */
export function refuseInvalid(result: {
  target: string
  success: boolean
  error?: { issues: readonly { path: readonly PropertyKey[]; message: string }[] }
}): void {
  if (result.success) return
  const issues = result.error!.issues.map((issue) => ({
    path: [result.target === 'json' ? 'body' : result.target, ...issue.path.map(String)].join('.'),
    message: issue.message,
  }))
  throw new ApiError('invalid_request', `${issues[0]?.path ?? result.target}: ${issues[0]?.message ?? 'not valid'}`, {
    fields: { issues },
  })
}

export const IdempotencyKey = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, '1–200 visible ASCII characters')
    .optional()
    .openapi({ description: 'Repeat a write safely: the same key does it once.' }),
})
