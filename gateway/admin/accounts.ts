import { z } from '@hono/zod-openapi'
import { isTimeZone } from '../../credits/period.ts'
import type { ApiDeps } from '../api/deps.ts'
import { accepted } from '../api/reading.ts'
import { signUpUser } from '../sign-up.ts'
import { SignUpOutcome, signUpFields } from '../sign-up-shape.ts'
import { adminRoute, type Api, body, Id, Instant, instant, json } from '../route.ts'

export const AccountId = Id.openapi({ description: 'Your user’s id.', example: 'user-42' })

const SignUp = z
  .strictObject({
    userId: AccountId,
    email: z.email().max(254),
    timeZone: z
      .string()
      .max(64)
      .refine(isTimeZone, 'not an IANA time zone')
      .default('UTC')
      .openapi({ description: 'Billing zone: where periods and days begin.', example: 'Europe/Rome' }),
    ...signUpFields,
  })
  .openapi('SignUp')

const Account = z
  .object({
    accountId: z.string(),
    email: z.string(),
    createdAt: Instant,
    timeZone: z.string(),
    plan: z.object({ id: z.string(), name: z.string() }),
    pendingPlan: z
      .object({ id: z.string(), name: z.string(), from: Instant })
      .nullable()
      .openapi({ description: 'A downgrade that waits for the period’s end.' }),
    period: z.int(),
    periodStart: Instant,
    periodEnd: Instant,
    employees: z.int().openapi({ description: 'How many, archived ones not counted.' }),
  })
  .openapi('Account')

const SignedUp = Account.extend({ bonuses: SignUpOutcome }).openapi('NewAccount')

const signUp = adminRoute({
  method: 'post',
  path: '/admin/v1/accounts',
  summary: 'Sign a user up',
  description:
    'Idempotent by `userId`: 201 the first time, 200 again, 409 `account_conflict` for another e-mail address. A promo or referral code that is not good keeps nobody out: `bonuses` says why it gave nothing.',
  request: { body: body(SignUp) },
  responses: { 200: json(SignedUp, 'It was there already'), 201: json(SignedUp, 'Created, with its bonuses') },
})
const read = adminRoute({
  method: 'get',
  path: '/admin/v1/accounts/{id}',
  summary: 'One account',
  request: { params: z.object({ id: AccountId }) },
  responses: { 200: json(Account, 'The account') },
})

export function accountRoutes(app: Api, deps: ApiDeps): void {
  const show = async (accountId: string): Promise<z.infer<typeof Account>> => {
    const { view } = accepted(await deps.accounts.view(accountId))
    const { card, epoch } = view.terms
    return {
      accountId: view.accountId,
      email: view.email,
      createdAt: instant(view.createdAtMs),
      timeZone: view.timeZone,
      plan: { id: view.plan, name: view.planName },
      pendingPlan:
        view.pendingPlan === null
          ? null
          : { id: view.pendingPlan.id, name: view.pendingPlan.name, from: instant(view.pendingPlan.fromMs) },
      period: epoch,
      periodStart: instant(card.periodStartMs),
      periodEnd: instant(card.periodEndMs),
      employees: view.employees.filter((employee) => !employee.archived).length,
    }
  }
  app.openapi(signUp, async (c) => {
    const request = c.req.valid('json')
    const { created, ...bonuses } = await signUpUser(deps, request)
    const account = { ...(await show(request.userId)), bonuses }
    return created ? c.json(account, 201) : c.json(account, 200)
  })
  app.openapi(read, async (c) => c.json(await show(c.req.valid('param').id), 200))
}
