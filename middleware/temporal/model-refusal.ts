import { z } from 'zod'
import { toMicro, zero } from '../../credits/money.ts'
import type { Refusal } from '../../credits/refusal.ts'

/**
 * The refusal behind an error that a client of the gateway threw: of `openai`, of the AI SDK, or of anything that has `status` or `statusCode` and the error's
 * body; also behind `cause`s, and the last of retries. undefined for any other error. No client is imported for it: a worker need not have them all.
 */
export function refusalOfError(error: unknown): Refusal | undefined {
  const seen = new Set<unknown>()
  for (let each = error; isObject(each) && !seen.has(each); each = each['lastError'] ?? each['cause']) {
    seen.add(each)
    const refusal = refusalIn(each)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

const micro = z.int().min(0).transform(toMicro)
const common = { message: z.string() }

/** The gateway's error object. Some clients leave amounts out. */
const body = z.discriminatedUnion('code', [
  z.object({ ...common, code: z.literal('credits_depleted') }),
  z.object({
    ...common,
    code: z.literal('insufficient_credits'),
    neededMicro: micro.optional(),
    availableMicro: micro.optional(),
  }),
  z.object({
    ...common,
    code: z.literal('budget_exhausted'),
    level: z.string().optional(),
    leftMicro: micro.optional(),
  }),
  z.object({ ...common, code: z.literal('backlogged') }),
  z.object({ ...common, code: z.literal('ledger_unavailable') }),
  z.object({ ...common, code: z.literal('outbox_unavailable') }),
  z.object({ ...common, code: z.literal('account_unknown') }),
])

const statuses = {
  credits_depleted: 402,
  insufficient_credits: 402,
  budget_exhausted: 402,
  backlogged: 503,
  ledger_unavailable: 503,
  outbox_unavailable: 503,
  account_unknown: 403,
} as const satisfies Record<z.infer<typeof body>['code'], number>

function refusalIn(error: Readonly<Record<string, unknown>>): Refusal | undefined {
  const { success, data } = body.safeParse(bodyOf(error))
  // Another service may use the same code; the gateway's messages begin with it
  if (!success || !data.message.startsWith(`${data.code}: `)) return undefined
  // The last line of a stream has no status
  const status = error['status'] ?? error['statusCode']
  if (status !== undefined && status !== statuses[data.code]) return undefined
  switch (data.code) {
    case 'insufficient_credits':
      // With nothing known of what it needs, it waits like one that met an empty balance
      return data.neededMicro === undefined
        ? { kind: 'credits_depleted' }
        : { kind: data.code, needed: data.neededMicro, available: data.availableMicro ?? zero }
    case 'budget_exhausted':
      return { kind: data.code, level: data.level ?? '', left: data.leftMicro ?? zero }
    case 'ledger_unavailable':
    case 'outbox_unavailable':
      return { kind: data.code, reason: data.message }
    case 'credits_depleted':
    case 'backlogged':
    case 'account_unknown':
      return { kind: data.code }
  }
}

/** `openai` keeps the error object as `error`, the AI SDK the whole body as `responseBody`, or the object as `data` where it came in a stream. */
function bodyOf(error: Readonly<Record<string, unknown>>): unknown {
  const { error: object, responseBody, data } = error
  if (isObject(object)) return object
  if (typeof responseBody === 'string') return errorIn(responseBody)
  return isObject(data) ? data : error
}

function errorIn(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text)
    return isObject(parsed) ? parsed['error'] : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
