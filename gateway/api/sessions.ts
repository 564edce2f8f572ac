import { createHash, randomUUID } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import type { SessionRefusal, SessionStart } from '../../credits/session/messages.ts'
import { adapterNames, sessionKinds } from '../../credits/session/session.ts'
import type { SessionView } from '../../middleware/sessions/session-view.ts'
import { ApiError, retryAfter } from '../error.ts'
import { type Api, body, Id, IdempotencyKey, json, userRoute } from '../route.ts'
import type { User } from '../who.ts'
import type { ApiDeps } from './deps.ts'
import { readAccount } from './reading.ts'
import { Session, SessionDetail, sessionDetailOf, sessionOf } from './session-of.ts'

export const SessionId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'not the id of a session')
const MessageId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/, 'not the id of a message')

const NewSession = z
  .strictObject({
    kind: z.enum(sessionKinds),
    employee: Id,
    organization: Id.optional().openapi({ description: 'The employee’s when left out.' }),
    message: MessageId.optional().openapi({ description: 'The chat message that it answers.' }),
    meetingUrl: z
      .url({ protocol: /^https$/, error: 'the https address of a meeting' })
      .max(2_000)
      .optional(),
    adapter: z.enum(adapterNames).optional().openapi({
      description: 'What it runs on; what is set up here for its kind when left out, else the page (`browser`).',
    }),
  })
  .openapi('NewSession')

const Join = z.object({ url: z.string(), token: z.string() }).openapi('SessionJoin')
const Begun = Session.extend({
  join: Join.nullable().openapi({ description: 'What the user needs to take part, where the adapter gives it.' }),
}).openapi('BegunSession')

const byId = z.object({ id: SessionId })
const problems = '404 `session_unknown`.'
const start = userRoute({
  method: 'post',
  path: '/credits/v1/sessions',
  summary: 'Begin a voice call or a meeting',
  description:
    'Debited by the minute until it ends, the next minute set aside ahead. 402 `credits_depleted`, `insufficient_credits` or `budget_exhausted` where the first minute is not covered: nothing has begun then. ' +
    'The same `Idempotency-Key` is the same session, answered with 200 as it is by then; for another one 409 `idempotency_conflict`. ' +
    '404 `employee_unknown`, 422 `session_kind_unknown`, `adapter_not_configured` or `adapter_refused`, 503 `adapter_unavailable`. ' +
    'Send signs of life every few seconds, unless the adapter sees for itself whether somebody is there.',
  request: { headers: IdempotencyKey, body: body(NewSession) },
  responses: { 200: json(Begun, 'It had begun already'), 201: json(Begun, 'It has begun') },
})
const heartbeat = userRoute({
  method: 'post',
  path: '/credits/v1/sessions/{id}/heartbeat',
  summary: 'A sign of life',
  description: `Without one for a while the session ends, billed to the last one. Answers with the session, so that an end is seen. ${problems}`,
  request: { params: byId },
  responses: { 200: json(Session, 'As it is now') },
})
const end = userRoute({
  method: 'post',
  path: '/credits/v1/sessions/{id}/end',
  summary: 'End a session',
  description: `Counts from now; repeated, it changes nothing. The last minute is prorated as the catalogue says. ${problems}`,
  request: { params: byId },
  responses: { 200: json(Session, 'As it is now') },
})
const read = userRoute({
  method: 'get',
  path: '/credits/v1/sessions/{id}',
  summary: 'A session, with its receipts',
  description: problems,
  request: { params: byId },
  responses: { 200: json(SessionDetail, 'As it is now') },
})
const join = userRoute({
  method: 'get',
  path: '/credits/v1/sessions/{id}/join',
  summary: 'How to take part in a session that goes on',
  description: `After a reload, or in a call that an employee’s workflow began. \`join\` is null where there is nothing to it, and once it has ended. ${problems}`,
  request: { params: byId },
  responses: { 200: json(z.object({ join: Join.nullable() }), 'What the user needs') },
})
const list = userRoute({
  method: 'get',
  path: '/credits/v1/sessions',
  summary: 'Voice calls and meetings, newest first',
  request: {
    query: z.object({
      state: z.enum(['open']).optional().openapi({ description: '`open`: only those that have not ended.' }),
      cursor: z
        .string()
        .regex(/^\d{1,15}\.[A-Za-z0-9_-]{1,64}$/, 'not a cursor of this list')
        .optional(),
      limit: z.coerce.number().int().min(1).max(100).default(25),
    }),
  },
  responses: { 200: json(z.object({ items: z.array(Session), next: z.string().nullable() }), 'A page') },
})

export function sessionRoutes(app: Api, deps: ApiDeps): void {
  const { sessions } = deps
  const known = (view: SessionView | null): SessionView => {
    if (view === null) throw new ApiError('session_unknown', 'this account has no such session')
    return view
  }

  app.openapi(start, async (c) => {
    const user = c.get('user')
    const { accountId } = user
    const { kind, employee, organization, message = '', meetingUrl = null, adapter } = c.req.valid('json')
    const { card } = await readAccount(deps, accountId)
    const named = card.employees.find(({ id, archived }) => id === employee && !archived)
    if (named === undefined) throw new ApiError('employee_unknown', `this account has no employee ${employee}`)
    mayWorkFor(user, employee)
    const wanted: SessionStart = {
      accountId,
      sessionId: idOf(accountId, c.req.valid('header')['idempotency-key']),
      kind,
      employee,
      organization: organization ?? named.organization,
      message,
      adapter: adapter ?? null,
      meetingUrl,
    }
    const before = await sessions.find(wanted)
    const answer = await sessions.start(wanted)
    if (!answer.ok) throw refused(answer.refusal)
    if (!isSame(answer.session, wanted))
      throw new ApiError('idempotency_conflict', 'this Idempotency-Key began another session')
    return c.json({ ...sessionOf(answer.session), join: answer.join }, before === null ? 201 : 200)
  })
  app.openapi(heartbeat, async (c) => {
    const { accountId } = c.get('user')
    const view = known(await sessions.alive({ accountId, sessionId: c.req.valid('param').id }))
    return c.json(sessionOf(view), 200)
  })
  app.openapi(end, async (c) => {
    const { accountId } = c.get('user')
    const view = known(await sessions.end({ accountId, sessionId: c.req.valid('param').id }))
    return c.json(sessionOf(view), 200)
  })
  app.openapi(read, async (c) => {
    const { accountId } = c.get('user')
    const view = known(await sessions.find({ accountId, sessionId: c.req.valid('param').id }))
    return c.json(sessionDetailOf(view), 200)
  })
  app.openapi(join, async (c) => {
    const name = { accountId: c.get('user').accountId, sessionId: c.req.valid('param').id }
    known(await sessions.find(name))
    return c.json({ join: await sessions.join(name) }, 200)
  })
  app.openapi(list, async (c) => {
    const { accountId } = c.get('user')
    const { state, cursor, limit } = c.req.valid('query')
    const found = await sessions.list(accountId, {
      open: state === 'open',
      before: positionOf(cursor),
      limit: limit + 1,
    })
    const page = found.slice(0, limit)
    const last = page.at(-1)
    const next = found.length > limit && last !== undefined ? `${last.listedAtMs}.${last.sessionId}` : null
    // One whose end is not noted yet is among those that the journal has as open.
    const items = page.filter((view) => state !== 'open' || view.state !== 'ended')
    return c.json({ items: items.map(sessionOf), next }, 200)
  })
}

/** A key that is made for some employees begins no calls of others. */
function mayWorkFor(user: User, employee: string): void {
  if (user.via !== 'key' || user.key.employees === null || user.key.employees.includes(employee)) return
  throw new ApiError('forbidden', `this API key may not be used for employee ${employee}`)
}

/** The same idempotency key is the same session. */
function idOf(accountId: string, idempotencyKey: string | undefined): string {
  if (idempotencyKey === undefined) return `ses_${randomUUID().replaceAll('-', '')}`
  return `ses_${createHash('sha256').update(`${accountId}\n${idempotencyKey}`).digest('hex').slice(0, 32)}`
}

function isSame(view: SessionView, { kind, employee, organization, message }: SessionStart): boolean {
  return (
    view.kind === kind && view.employee === employee && view.organization === organization && view.message === message
  )
}

function refused({ code, message, ...fields }: SessionRefusal): ApiError {
  const again = code === 'ledger_unavailable' || code === 'adapter_unavailable' ? retryAfter : {}
  return new ApiError(code, message, { ...again, fields: { ...again.fields, ...fields } })
}

function positionOf(cursor: string | undefined): { readonly id: string; readonly startedAtMs: number } | undefined {
  if (cursor === undefined) return undefined
  const dot = cursor.indexOf('.')
  return { startedAtMs: Number(cursor.slice(0, dot)), id: cursor.slice(dot + 1) }
}
