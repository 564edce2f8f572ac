import { z } from '@hono/zod-openapi'
import { toMicro } from '../../credits/money.ts'
import type { Level } from '../../credits/terms.ts'
import { ApiError } from '../error.ts'
import { type Api, body, json, Micro, userRoute } from '../route.ts'
import { mayWrite } from '../may-write.ts'
import { atLimits, Budget, budgetsOf, windows } from './budget-of.ts'
import type { ApiDeps } from './deps.ts'
import { accepted, inspectAccount } from './reading.ts'

/** What new employees get: no budget of its own. */
const forNew = 'default'

const LevelName = z
  .string()
  .regex(
    /^(default|(employee|organization|task):[A-Za-z0-9][A-Za-z0-9._:@-]{0,127})$/,
    'employee:<id>, organization:<id>, task:<id> or default',
  )
  .openapi({ description: '`employee:<id>`, `organization:<id>`, `task:<id>`, or `default` for employees to come.' })

const MicroAmount = Micro.refine(
  (limit) => limit > 0,
  'must be more than zero; remove the budget to have none',
).transform(toMicro)
const Rule = z.object({ limit: Micro, window: z.enum(windows), atLimit: z.enum(atLimits) })
const BudgetRule = z
  .strictObject({
    limit: MicroAmount,
    window: z.enum(windows),
    atLimit: z.enum(atLimits).openapi({
      description:
        '`notify` refuses nothing, `pause` refuses what begins and lets what runs end, `stop` cuts what runs too.',
    }),
    expectedVersion: z.int().min(0).optional().openapi({
      description: 'The version that was shown, 0 for none: another one is refused (409 `version_conflict`).',
    }),
  })
  .openapi('BudgetRule')
const Raise = z

  .strictObject({ limit: MicroAmount, until: z.iso.datetime({ offset: true }) })
  .openapi('BudgetRaise')

const Budgets = z
  .object({
    items: z.array(Budget),
    forNewEmployees: Rule.nullable().openapi({ description: 'What an employee gets that is created from now on.' }),
    next: z.null(),
  })
  .openapi('Budgets')

const ofLevel = z.object({ level: LevelName })
const list = userRoute({
  method: 'get',
  path: '/credits/v1/budgets',
  summary: 'Budgets, with what their windows have used',
  description: 'From the ledger: it goes on while Temporal is away.',
  request: {},
  responses: { 200: json(Budgets, 'Budgets') },
})
const put = userRoute({
  method: 'put',
  path: '/credits/v1/budgets/{level}',
  summary: 'Set a budget',
  description:
    'Counts at once, with what the window has used already. 404 `employee_unknown` or `organization_unknown`, 409 `version_conflict`, 422 `too_many_budgets`. A raise ends with it.',
  request: { params: ofLevel, body: body(BudgetRule) },
  responses: { 200: json(Budgets, 'All budgets as they are now') },
})
const remove = userRoute({
  method: 'delete',
  path: '/credits/v1/budgets/{level}',
  summary: 'Remove a budget',
  description: 'What is spent goes on being counted. Repeating it changes nothing.',
  request: { params: ofLevel },
  responses: { 200: json(Budgets, 'All budgets as they are now') },
})
const raise = userRoute({
  method: 'post',
  path: '/credits/v1/budgets/{level}/raise',
  summary: 'Raise a budget for a while',
  description: 'It ends by itself at `until`; an instant that has passed ends it now. 404 `budget_unknown`.',
  request: { params: ofLevel, body: body(Raise) },
  responses: { 200: json(Budgets, 'All budgets as they are now') },
})

export function budgetRoutes(app: Api, deps: ApiDeps): void {
  const show = async (accountId: string): Promise<z.infer<typeof Budgets>> => {
    const seen = await inspectAccount(deps, accountId)
    return { items: [...budgetsOf(seen)], forNewEmployees: seen.card.newEmployeeBudget ?? null, next: null }
  }
  const requireSubject = async (accountId: string, level: Level): Promise<void> => {
    const { card } = await inspectAccount(deps, accountId)
    const [kind, id] = [level.slice(0, level.indexOf(':')), level.slice(level.indexOf(':') + 1)]
    const has = (known: readonly { readonly id: string }[] = []): boolean => known.some((each) => each.id === id)
    if (kind === 'employee' && !has(card.employees))
      throw new ApiError('employee_unknown', `this account has no employee ${id}`)
    if (kind === 'organization' && !has(card.organizations) && !card.employees.some((each) => each.organization === id))
      throw new ApiError('organization_unknown', `this account has no organization ${id}`)
  }

  app.openapi(list, async (c) => c.json(await show(c.get('user').accountId), 200))
  app.openapi(put, async (c) => {
    const { accountId } = mayWrite(c.get('user'))
    const { level } = c.req.valid('param')
    const { expectedVersion, ...rule } = c.req.valid('json')
    if (level !== forNew) await requireSubject(accountId, level)
    else if (expectedVersion !== undefined)
      throw new ApiError('invalid_request', 'expectedVersion: the default has no versions')
    accepted(
      await deps.accounts.saveBudget(accountId, {
        level,
        ...rule,
        ...(expectedVersion === undefined ? {} : { expectedVersion }),
      }),
    )
    return c.json(await show(accountId), 200)
  })
  app.openapi(remove, async (c) => {
    const { accountId } = mayWrite(c.get('user'))
    accepted(await deps.accounts.removeBudget(accountId, c.req.valid('param')))
    return c.json(await show(accountId), 200)
  })
  app.openapi(raise, async (c) => {
    const { accountId } = mayWrite(c.get('user'))
    const { level } = c.req.valid('param')
    const { limit, until } = c.req.valid('json')
    accepted(await deps.accounts.raiseBudget(accountId, { level, limit, untilMs: Date.parse(until) }))
    return c.json(await show(accountId), 200)
  })
}
