import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context, Hono } from 'hono'
import type { Registry } from 'prom-client'
import { accountRoutes } from './admin/accounts.ts'
import { auditRoutes } from './admin/audit.ts'
import { audited } from './admin/audited.ts'
import { grantCreditRoutes } from './admin/grants.ts'
import { keyRoutes } from './admin/keys.ts'
import { promoCodeRoutes } from './admin/promo-codes.ts'
import { planChangeRoutes } from './admin/plan.ts'
import { refundRoutes } from './admin/refunds.ts'
import { takeBackRoutes } from './admin/take-backs.ts'
import { tokenRoutes } from './admin/tokens.ts'
import { createAllowedMethods } from './allowed-methods.ts'
import { alertRoutes } from './api/alerts.ts'
import { budgetRoutes } from './api/budgets.ts'
import { organizationRoutes } from './api/organizations.ts'
import { checkoutRoutes } from './api/checkouts.ts'
import { subscriptionRoutes } from './api/subscription.ts'
import { checkoutPages } from './checkout-pages.ts'
import { activityRoutes } from './api/activity.ts'
import { exportRoutes } from './api/export.ts'
import { balanceRoutes } from './api/balance.ts'
import type { ApiDeps } from './api/deps.ts'
import { employeeRoutes } from './api/employees.ts'
import { estimateRoutes } from './api/estimate.ts'
import { feedRoutes } from './api/feed.ts'
import { grantRoutes } from './api/grants.ts'
import { historyRoutes } from './api/history.ts'
import { inviteRoutes } from './api/invites.ts'
import { promoCheckRoutes } from './api/promo-check.ts'
import { referralRoutes } from './api/referral.ts'
import { sessionCostRoutes } from './api/session-cost.ts'
import { sessionRoutes } from './api/sessions.ts'
import { signInRoutes } from './api/sign-in.ts'
import { doorPages } from './door-pages.ts'
import { createDoors } from './doors.ts'
import { messageRoutes } from './api/messages.ts'
import { modelRoutes } from './api/models.ts'
import { planRoutes } from './api/plans.ts'
import { priceRoutes } from './api/prices.ts'
import { receiptRoutes } from './api/receipts.ts'
import { type CompanyDeps, companyRoutes } from './company.ts'
import { type WebApp, webRoutes } from './web.ts'
import { usageRoutes } from './api/usage.ts'
import type { ChatEnv } from './chat-routes.ts'
import { answerError, ApiError } from './error.ts'
import { jsonBody } from './json-body.ts'
import { errorResponse } from './openai-error.ts'
import { describeModelRoutes, openApiDocument } from './openapi.ts'
import { errorForPeople, pageRoutes } from './pages.ts'
import { requestId } from './request-id.ts'
import { type Api, type ApiEnv, refuseInvalid } from './route.ts'
import { createRegistry, serviceRoutes } from './service.ts'
import { type WebhookDeps, webhookRoutes } from './webhooks/webhook-routes.ts'
import { requireAdmin, requireUser } from './who.ts'

export interface AppDeps extends ApiDeps, Pick<CompanyDeps, 'companyUrl'> {
  /** The model routes, `/v1/…`. */
  readonly chat: Hono<ChatEnv>
  /** Metrics to serve; the process's own alone when left out. */
  readonly registry?: Registry
  /** The web app; without it a page says what there is. */
  readonly web?: WebApp | null
  /** Of the systems that sessions run on; without them no events are taken. */
  readonly webhooks?: WebhookDeps
}

/** The gateway as one app: model routes, credits and admin API, feed, description and health. Opens nothing by itself. */
export function createApp(deps: AppDeps): Api {
  const app: Api = new OpenAPIHono<ApiEnv>({ defaultHook: refuseInvalid })
  app.use(requestId())
  app.route('/', deps.chat)
  describeModelRoutes(app)

  const doors = createDoors(deps)
  for (const mount of [signInRoutes, doorPages]) mount(app, deps, doors)
  promoCheckRoutes(app, deps)
  checkoutPages(app, deps)

  app.use('/credits/v1/*', requireUser(deps), jsonBody())
  for (const mount of [
    balanceRoutes,
    usageRoutes,
    historyRoutes,
    grantRoutes,
    receiptRoutes,
    messageRoutes,
    activityRoutes,
    exportRoutes,
  ])
    mount(app, deps)
  for (const mount of [
    employeeRoutes,
    modelRoutes,
    planRoutes,
    priceRoutes,
    estimateRoutes,
    feedRoutes,
    referralRoutes,
    inviteRoutes,
    alertRoutes,
    organizationRoutes,
    budgetRoutes,
    checkoutRoutes,
    subscriptionRoutes,
    sessionRoutes,
    sessionCostRoutes,
  ])
    mount(app, deps)

  companyRoutes(app, deps)
  webhookRoutes(app, deps.webhooks)

  app.use('/admin/v1/*', requireAdmin(deps.adminKey), jsonBody(), audited(deps))
  for (const mount of [
    accountRoutes,
    keyRoutes,
    tokenRoutes,
    grantCreditRoutes,
    refundRoutes,
    planChangeRoutes,
    auditRoutes,
    promoCodeRoutes,
    takeBackRoutes,
  ])
    mount(app, deps)

  // Calls go on without Temporal and without the journal.
  serviceRoutes(app, { ...deps, needs: ['ledger', 'outbox'], registry: deps.registry ?? createRegistry() })
  if (deps.web != null) webRoutes(app, deps.web)
  let document: object | undefined
  pageRoutes(app, { ...deps, document: () => (document ??= openApiDocument(app, deps.version)) })

  const answer = (error: unknown, c: Context) => errorForPeople(c.req.header('accept'), answerError(error, c, deps.log))
  const allowedMethods = createAllowedMethods(app.routes)
  app.notFound((c) => {
    const { path } = c.req
    const allowed = allowedMethods(path).join(', ')
    const error =
      allowed === ''
        ? ({ code: 'not_found', message: `there is nothing at ${path}; /docs lists what there is` } as const)
        : ({ code: 'method_not_allowed', message: `${path} takes ${allowed}` } as const)
    const headers: Record<string, string> = allowed === '' ? {} : { allow: allowed }
    // Clients of model routes look for OpenAI's fields.
    return path.startsWith('/v1/')
      ? errorResponse(error, headers)
      : answer(new ApiError(error.code, error.message, { headers }), c)
  })
  app.onError(answer)
  return app
}
