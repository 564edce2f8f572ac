import type { z } from 'zod'
import type { CallError } from './openai-error.ts'

export type ParsedRequest<Request> =
  | { readonly ok: true; readonly request: Request }
  | { readonly ok: false; readonly error: CallError }

/** A body as a request. What does not fit is refused by its first fault, with the field's name. */
export function parseRequest<Request>(schema: z.ZodType<Request>, value: unknown): ParsedRequest<Request> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return { ok: true, request: parsed.data }
  const [issue] = parsed.error.issues
  const param = issue?.path.join('.') ?? ''
  const message = `${param === '' ? 'the request' : param}: ${issue?.message ?? 'not valid'}`
  return { ok: false, error: { code: 'invalid_request', message, param } }
}
