import { createHash } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import type { ApiDeps } from '../api/deps.ts'
import { accepted } from '../api/reading.ts'
import { ApiError } from '../error.ts'
import type { ApiKey } from '../../journal/api-key.ts'
import { adminRoute, type Api, body, Id, IdempotencyKey, Instant, instant, json, text } from '../route.ts'
import { AccountId } from './accounts.ts'
import { operatorName, operatorReason } from './credits.ts'

const MayName = z.strictObject({
  employee: z.boolean().default(true),
  organization: z.boolean().default(true),
  message: z.boolean().default(true),
  purpose: z.boolean().default(true),
})

const NewKey = z
  .strictObject({
    name: text(100).default('default'),
    employees: z
      .array(Id)
      .min(1)
      .max(500)
      .nullable()
      .default(null)
      .openapi({ description: 'The only employees it may be used for; null: any.' }),
    mayName: MayName.default({ employee: true, organization: true, message: true, purpose: true }).openapi({
      description: 'Which x-tollgate-… headers it may send.',
    }),
    createsEmployees: z
      .boolean()
      .default(false)
      .openapi({ description: 'An employee named for the first time is created.' }),
    by: operatorName,
    reason: operatorReason,
  })
  .openapi('NewKey')

const Key = z
  .object({
    id: z.string(),
    name: z.string(),
    employees: z.array(z.string()).nullable(),
    mayName: z.object({ employee: z.boolean(), organization: z.boolean(), message: z.boolean(), purpose: z.boolean() }),
    createsEmployees: z.boolean(),
    createdAt: Instant,
    revokedAt: Instant.nullable(),
  })
  .openapi('Key')

const ofAccount = z.object({ id: AccountId })

const create = adminRoute({
  method: 'post',
  path: '/admin/v1/accounts/{id}/keys',
  summary: 'Make an API key',
  description:
    'The secret is in this answer and nowhere else. A repeat under the same Idempotency-Key answers 409 `key_already_created` and names the key, so that it can be revoked.',
  request: { params: ofAccount, headers: IdempotencyKey, body: body(NewKey) },
  responses: { 201: json(Key.extend({ secret: z.string() }).openapi('KeyWithSecret'), 'The key and its secret') },
})
const list = adminRoute({
  method: 'get',
  path: '/admin/v1/accounts/{id}/keys',
  summary: 'An account’s API keys, newest first, revoked ones included',
  request: { params: ofAccount },
  responses: { 200: json(z.object({ items: z.array(Key), next: z.null() }), 'Keys without their secrets') },
})
const revoke = adminRoute({
  method: 'delete',
  path: '/admin/v1/accounts/{id}/keys/{keyId}',
  summary: 'Revoke an API key',
  description: 'Every gateway refuses it within a second, feeds that use it end. Repeating it changes nothing.',
  request: {
    params: ofAccount.extend({ keyId: z.string().max(100) }),
    query: z.object({ by: operatorName, reason: operatorReason }),
  },
  responses: { 200: json(Key, 'The revoked key') },
})

export function keyRoutes(app: Api, { journal, accounts }: Pick<ApiDeps, 'journal' | 'accounts'>): void {
  app.openapi(create, async (c) => {
    const { id: accountId } = c.req.valid('param')
    // Who asks, and why, does not make it another request.
    const { by, reason: _, ...request } = c.req.valid('json')
    accepted(await accounts.view(accountId))
    const idempotencyKey = c.req.valid('header')['idempotency-key']
    const attempt =
      idempotencyKey === undefined
        ? null
        : { accountId, idempotencyKey: `admin-key:${idempotencyKey}`, requestHash: hash(request) }
    const before = attempt && (await journal.findRequest(accountId, attempt.idempotencyKey))
    if (before !== null) throw alreadyCreated(before.chargeId)
    const { key, secret } = await journal.createKey({ accountId, ...request, by })
    const stands = attempt && (await journal.rememberRequest({ ...attempt, chargeId: key.id }))
    if (stands !== null && stands.chargeId !== key.id) {
      // Two attempts at once: the first one to be noted stands.
      await journal.revokeKey(accountId, key.id, 'operator: repeated request')
      throw alreadyCreated(stands.chargeId)
    }
    return c.json({ ...keyAnswer(key), secret }, 201, { 'cache-control': 'no-store' })
  })
  app.openapi(list, async (c) => {
    const { id } = c.req.valid('param')
    accepted(await accounts.view(id))
    return c.json({ items: (await journal.listKeys(id)).map(keyAnswer), next: null }, 200)
  })
  app.openapi(revoke, async (c) => {
    const { id, keyId } = c.req.valid('param')
    const revoked = await journal.revokeKey(id, keyId, c.req.valid('query').by)
    if (revoked === null) throw new ApiError('key_unknown', `account ${id} has no key ${keyId}`)
    return c.json(keyAnswer(revoked), 200)
  })
}

function alreadyCreated(keyId: string): ApiError {
  return new ApiError(
    'key_already_created',
    'this Idempotency-Key has made a key before, whose secret was shown then; revoke it if the answer was lost',
    { fields: { keyId } },
  )
}

function keyAnswer({
  id,
  name,
  employees,
  mayName,
  createsEmployees,
  createdAtMs,
  revokedAtMs,
}: ApiKey): z.infer<typeof Key> {
  return {
    id,
    name,
    employees: employees === null ? null : [...employees],
    mayName,
    createsEmployees,
    createdAt: instant(createdAtMs),
    revokedAt: revokedAtMs === null ? null : instant(revokedAtMs),
  }
}

function hash(request: object): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex')
}
