import { createHash } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { tierIds } from '../../credits/catalogue.ts'
import type { EmployeeCard } from '../../credits/terms.ts'
import { ApiError } from '../error.ts'
import { type Api, body, Id, IdempotencyKey, json, text, userRoute } from '../route.ts'
import type { User } from '../who.ts'
import type { ApiDeps } from './deps.ts'
import { accepted, readAccount } from './reading.ts'

const Employee = z
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
  const find = async (accountId: string, id: string): Promise<EmployeeCard> => {
    const { card } = await readAccount(deps, accountId)
    const found = card.employees.find((employee) => employee.id === id)
    if (found === undefined) throw new ApiError('employee_unknown', `this account has no employee ${id}`)
    return found
  }
  const save = async (accountId: string, employee: EmployeeCard): Promise<EmployeeCard> => {
    const { terms } = accepted(await deps.accounts.saveEmployee(accountId, { ...employee, mode: 'save' }))
    return terms.card.employees.find(({ id }) => id === employee.id) ?? employee
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
    const present = card.employees.find((each) => each.id === employee.id)
    if (present !== undefined && !same(present, employee))
      throw new ApiError('employee_conflict', `there is another employee ${employee.id}`)
    if (present !== undefined) return c.json(present, 200)
    return c.json(await save(accountId, employee), 201)
  })
  app.openapi(change, async (c) => {
    const { accountId } = mayWrite(c.get('user'))
    const present = await find(accountId, c.req.valid('param').id)
    const changes = Object.fromEntries(Object.entries(c.req.valid('json')).filter(([, value]) => value !== undefined))
    return c.json(await save(accountId, { ...present, ...changes }), 200)
  })
  app.openapi(archive, async (c) => {
    const { accountId } = mayWrite(c.get('user'))
    const present = await find(accountId, c.req.valid('param').id)
    return c.json(present.archived ? present : await save(accountId, { ...present, archived: true }), 200)
  })
}

/** A key changes employees only if it may create them: one that is made for calls cannot give its employee a dearer model. */
function mayWrite(user: User): User {
  if (user.via === 'key' && !user.key.createsEmployees) {
    throw new ApiError(
      'forbidden',
      'this API key may not change employees (it lacks createsEmployees); use a user token or another key',
    )
  }
  return user
}

/** The same idempotency key makes the same employee. */
function madeUpId(accountId: string, idempotencyKey: string | undefined): string {
  if (idempotencyKey === undefined) return `emp_${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`
  return `emp_${createHash('sha256').update(`${accountId}\n${idempotencyKey}`).digest('hex').slice(0, 16)}`
}

function same(one: EmployeeCard, other: EmployeeCard): boolean {
  return (['name', 'organization', 'tier', 'model', 'archived'] as const).every((field) => one[field] === other[field])
}
