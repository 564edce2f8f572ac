import { z } from '@hono/zod-openapi'
import { type Api, body, json, userRoute } from '../route.ts'
import { Alert, alertOf } from './alert-of.ts'
import type { ApiDeps } from './deps.ts'
import { accepted } from './reading.ts'

const list = userRoute({
  method: 'get',
  path: '/credits/v1/alerts',
  summary: 'Alerts of the last thirteen periods, newest first',
  description: 'Each threshold is alerted once a period, however often it is crossed.',
  request: {},
  responses: { 200: json(z.object({ items: z.array(Alert), next: z.null() }), 'Alerts') },
})
const acknowledge = userRoute({
  method: 'post',
  path: '/credits/v1/alerts/{id}/ack',
  summary: 'Note that an alert was seen',
  description: 'Other devices hear of it on the feed. The first time stands. 404 `alert_unknown`.',
  request: { params: z.object({ id: z.string().max(40) }), body: { ...body(z.strictObject({})), required: false } },
  responses: { 200: json(Alert, 'As it is now') },
})

export function alertRoutes(app: Api, deps: ApiDeps): void {
  app.openapi(list, async (c) => {
    const { view } = accepted(await deps.accounts.view(c.get('user').accountId))
    return c.json({ items: view.alerts.map(alertOf), next: null }, 200)
  })
  app.openapi(acknowledge, async (c) => {
    const { accountId } = c.get('user')
    const { alert } = accepted(await deps.accounts.acknowledgeAlert(accountId, c.req.valid('param')))
    deps.feeds.tellAlert(accountId, alert)
    return c.json(alertOf(alert), 200)
  })
}
