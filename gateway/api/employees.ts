import { createHash } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { tierIds } from '../../credits/catalogue.ts'
import type { EmployeeCommand } from '../../credits/account/messages.ts'
import type { EmployeeCard } from '../../credits/terms.ts'
import { mayWrite } from '../may-write.ts'
import { type Api, body, Id, IdempotencyKey, json, text, userRoute } from '../route.ts'
import type { ApiDeps } from './deps.ts'
import { accepted, readAccount } from './reading.ts'

export const Employee = z
  .object({
    id: z.string(),
    name: z.string(),
    organization: z.string().openapi({ description: 'Empty: none in particular.' }),
    tier: z.string(),
    model: z.string().openapi({ description: 'A model of its own, `provider/model`; empty: the tier’s.' }),
    archived: z.boolean(),
  })
  .openapi('Employee')

const Model = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,199}$|^$/, 'not a model name')

const NewEmployee = z
  .strictObject({
    id: Id.optional().openapi({ description: 'Yours; made up when left out.' }),
    name: text(100),
    organization: Id.or(z.literal('')).default(''),
    tier: z.enum(tierIds).default('standard'),
    model: Model.default(''),
  })
  .openapi('NewEmployee')

const EmployeeChange = z
  .strictObject({
    name: text(100).optional(),
    organization: Id.or(z.literal('')).optional(),
    tier: z.enum(tierIds).optional(),
    model: Model.optional(),
    archived: z.boolean().optional(),
  })
  .openapi('EmployeeChange')

const byId = z.object({ id: Id })

const list = userRoute({
  method: 'get',
  path: '/credits/v1/employees',
  summary: 'The account’s employees',
  description: 'From the account’s card in the ledger: it goes on while Temporal is away.',
  request: {
    query: z.object({
      archived: z.enum(['true', 'false']).default('false').openapi({ description: '`true`: archived ones too.' }),
    }),
  },
  responses: { 200: json(z.object({ items: z.array(Employee), next: z.null() }), 'Employees') },
})
const create = userRoute({
  method: 'post',
  path: '/credits/v1/employees',
  summary: 'Create an employee',
  description: 'The same employee again answers 200; another one under the same id 409 `employee_conflict`.',
  request: { headers: IdempotencyKey, body: body(NewEmployee) },
  responses: { 200: json(Employee, 'It was there already'), 201: json(Employee, 'Created') },
})
const change = userRoute({
  method: 'patch',
  path: '/credits/v1/employees/{id}',
  summary: 'Change an employee’s name, tier, model or organization',
  request: { params: byId, headers: IdempotencyKey, body: body(EmployeeChange) },
  responses: { 200: json(Employee, 'As it is now') },
})
const archive = userRoute({
  method: 'delete',
  path: '/credits/v1/employees/{id}',
  summary: 'Archive an employee',
  description: 'Its usage stays. Repeating it changes nothing; `PATCH` with `archived: false` brings it back.',
  request: { params: byId, headers: IdempotencyKey },
  responses: { 200: json(Employee, 'As it is now') },
})

export function employeeRoutes(app: Api, deps: ApiDeps): void {
  const save = async (accountId: string, command: EmployeeCommand): Promise<EmployeeCard> => {
    const { terms } = accepted(await deps.accounts.saveEmployee(accountId, command))
    return terms.card.employees.find(({ id }) => id === command.id)!
  }

  app.openapi(list, async (c) => {
    const { card } = await readAccount(deps, c.get('user').accountId)
    const items = card.employees.filter((employee) => c.req.valid('query').archived === 'true' || !employee.archived)
    return c.json({ items: [...items], next: null }, 200)
  })
  app.openapi(create, async (c) => {
    const { accountId } = mayWrite(c.get('user'))
    const { id, ...wanted } = c.req.valid('json')
    const key = c.req.valid('header')['idempotency-key']
    const employee = { id: id ?? madeUpId(accountId, key), ...wanted, archived: false }
    const { card } = await readAccount(deps, accountId)
    const isKnown = card.employees.some((each) => each.id === employee.id)
    return c.json(await save(accountId, { ...employee, mode: 'create' }), isKnown ? 200 : 201)
  })
  app.openapi(change, async (c) => {
    const { accountId } = mayWrite(c.get('user'))
    const changes = Object.fromEntries(Object.entries(c.req.valid('json')).filter(([, value]) => value !== undefined))
    return c.json(await save(accountId, { ...changes, id: c.req.valid('param').id, mode: 'change' }), 200)
  })
  app.openapi(archive, async (c) => {
    const { accountId } = mayWrite(c.get('user'))
    return c.json(await save(accountId, { id: c.req.valid('param').id, archived: true, mode: 'change' }), 200)
  })
}

/** The same idempotency key makes the same employee. */
function madeUpId(accountId: string, idempotencyKey: string | undefined): string {
  if (idempotencyKey === undefined) return `emp_${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`
  return `emp_${createHash('sha256').update(`${accountId}\n${idempotencyKey}`).digest('hex').slice(0, 16)}`
}
