import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { ApiDeps } from '../api/deps.ts'
import { ApiError } from '../error.ts'
import type { ApiEnv } from '../route.ts'

const writes: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE']
/** Not a change of anything: a host product mints one per user and quarter of an hour. */
const unnoted = '/admin/v1/accounts/:id/tokens'

/**
 * Every change through the admin API, whichever route makes it: noted with who and why before it is tried, and again with how it ended. Without the journal nothing is
 * changed (503 `journal_unavailable`): a change that nobody can trace is worse than one that comes later.
 */
export function audited({
  journal,
  accounts,
  log,
}: Pick<ApiDeps, 'journal' | 'accounts' | 'log'>): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const route = matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path
    if (route === undefined || route === unnoted || !writes.includes(c.req.method)) return next()
    const request = await requestOf(c)
    const accountId = accountOf(c, route, request)
    const id = await journal.audit.begin({
      accountId,
      who: textOf(request['by']) || 'operator',
      action: `${c.req.method} ${route.replaceAll(/:(\w+)/g, '{$1}')}`,
      why: textOf(request['reason']),
      request: { ...request, ...whereOf(c) },
      before: await factsOf(accountId),
    })
    await next()
    const outcome = await outcomeOf(c)
    const made = outcome === 'done' ? await madeBy(c) : null
    const facts = outcome === 'done' ? await factsOf(accountId) : null
    const after = made === null ? facts : { ...facts, id: made }
    // The change stands whether this is noted or not; an entry without an outcome says that it was begun.
    await journal.audit
      .end(id, { outcome, after })
      .catch((error: unknown) => log.error({ err: error, audit: id, outcome }, 'how a change ended could not be noted'))
  }

  async function factsOf(accountId: string): Promise<Readonly<Record<string, unknown>> | null> {
    if (accountId === '') return null
    const answer = await accounts.view(accountId).catch(() => null)
    if (!answer?.ok) return null
    const { plan, pendingPlan, terms, periods } = answer.view
    const { epoch, granted, used } = terms
    return { plan, pendingPlan: pendingPlan?.id ?? null, period: epoch, granted, used, spent: periods[0]?.spent ?? 0 }
  }
}

/** The body, or for a DELETE the query. */
async function requestOf(c: Context<ApiEnv>): Promise<Readonly<Record<string, unknown>>> {
  if (c.req.method === 'DELETE') return { ...c.req.query() }
  const body: unknown = await c.req.json()
  return typeof body === 'object' && body !== null ? { ...body } : {}
}

function accountOf(c: Context<ApiEnv>, route: string, request: Readonly<Record<string, unknown>>): string {
  if (route === '/admin/v1/accounts') return textOf(request['userId'])
  return route.startsWith('/admin/v1/accounts/:id') ? decoded(c.req.path.split('/')[4] ?? '') : ''
}

/** An id that nobody could have is refused by its route, not here. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** What the route's name leaves out: which key, which code, and under which key it may be repeated. */
function whereOf(c: Context<ApiEnv>): Readonly<Record<string, string>> {
  const key = c.req.header('idempotency-key')
  return { path: c.req.path, ...(key === undefined ? {} : { idempotencyKey: key.slice(0, 200) }) }
}

/** The id of what was made, where the answer names one. */
async function madeBy(c: Context<ApiEnv>): Promise<string | null> {
  const answer: unknown = await c.res
    .clone()
    .json()
    .catch(() => null)
  const id = typeof answer === 'object' && answer !== null && 'id' in answer ? answer.id : null
  return typeof id === 'string' ? id : null
}

async function outcomeOf(c: Context<ApiEnv>): Promise<string> {
  if (c.error !== undefined) return c.error instanceof ApiError ? c.error.code : 'internal_error'
  return c.res.ok ? 'done' : String(c.res.status)
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 200) : '')
