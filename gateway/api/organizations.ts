import { createHash } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import type { OrganizationCommand } from '../../credits/account/messages.ts'
import type { OrganizationCard } from '../../credits/terms.ts'
import { mayWrite } from '../may-write.ts'
import { type Api, body, Id, IdempotencyKey, json, text, userRoute } from '../route.ts'
import type { ApiDeps } from './deps.ts'
import { accepted, readAccount } from './reading.ts'

export const Organization = z
  .object({ id: z.string(), name: z.string(), archived: z.boolean() })
  .openapi('Organization')
const NewOrganization = z
  .strictObject({ id: Id.optional().openapi({ description: 'Yours; made up when left out.' }), name: text(100) })
  .openapi('NewOrganization')
const OrganizationChange = z
  .strictObject({ name: text(100).optional(), archived: z.boolean().optional() })
  .openapi('OrganizationChange')
const byId = z.object({ id: Id })

const list = userRoute({
  method: 'get',
  path: '/credits/v1/organizations',
  summary: 'The account’s organizations',
  description: 'All of them spend one balance; usage, activity and the export tell them apart.',
  request: { query: z.object({ archived: z.enum(['true', 'false']).default('false') }) },
  responses: { 200: json(z.object({ items: z.array(Organization), next: z.null() }), 'Organizations') },
})
const create = userRoute({
  method: 'post',
  path: '/credits/v1/organizations',
  summary: 'Create an organization',
  description: 'The same again answers 200; another one under the same id 409 `organization_conflict`.',
  request: { headers: IdempotencyKey, body: body(NewOrganization) },
  responses: { 200: json(Organization, 'It was there already'), 201: json(Organization, 'Created') },
})
const change = userRoute({
  method: 'patch',
  path: '/credits/v1/organizations/{id}',
  summary: 'Rename an organization, archive it or bring it back',
  description: 'Its employees and its usage stay as they are.',
  request: { params: byId, body: body(OrganizationChange) },
  responses: { 200: json(Organization, 'As it is now') },
})

export function organizationRoutes(app: Api, deps: ApiDeps): void {
  const read = async (accountId: string): Promise<readonly OrganizationCard[]> =>
    (await readAccount(deps, accountId)).card.organizations ?? []
  const save = async (accountId: string, command: OrganizationCommand): Promise<OrganizationCard> => {
    const { terms } = accepted(await deps.accounts.saveOrganization(accountId, command))
    return terms.card.organizations!.find(({ id }) => id === command.id)!
  }

  app.openapi(list, async (c) => {
    const all = c.req.valid('query').archived === 'true'
    const items = (await read(c.get('user').accountId)).filter(({ archived }) => all || !archived)
    return c.json({ items: [...items], next: null }, 200)
  })
  app.openapi(create, async (c) => {
    const { accountId } = mayWrite(c.get('user'))
    const { id, name } = c.req.valid('json')
    const wanted = { id: id ?? madeUpId(accountId, c.req.valid('header')['idempotency-key']), name, archived: false }
    const isKnown = (await read(accountId)).some((each) => each.id === wanted.id)
    return c.json(await save(accountId, { ...wanted, mode: 'create' }), isKnown ? 200 : 201)
  })
  app.openapi(change, async (c) => {
    const { accountId } = mayWrite(c.get('user'))
    const changes = Object.fromEntries(Object.entries(c.req.valid('json')).filter(([, value]) => value !== undefined))
    return c.json(await save(accountId, { ...changes, id: c.req.valid('param').id, mode: 'change' }), 200)
  })
}

/** The same idempotency key makes the same organization. */
function madeUpId(accountId: string, idempotencyKey: string | undefined): string {
  const seed = idempotencyKey === undefined ? crypto.randomUUID() : `${accountId}\n${idempotencyKey}`
  return `org_${createHash('sha256').update(seed).digest('hex').slice(0, 16)}`
}
