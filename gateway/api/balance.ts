import type { Api } from '../route.ts'
import { json, userRoute } from '../route.ts'
import { Balance, balanceOf } from './balance-of.ts'
import type { ApiDeps } from './deps.ts'
import { readAccount } from './reading.ts'

const route = userRoute({
  method: 'get',
  path: '/credits/v1/balance',
  summary: 'The balance now',
  description: 'Read from the ledger: it goes on while Temporal and the journal are away.',
  responses: { 200: json(Balance, 'The balance') },
})

export function balanceRoutes(app: Api, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const reading = await readAccount(deps, c.get('user').accountId)
    await deps.paces.learn(reading)
    return c.json(balanceOf(reading, deps.catalogue.policies, deps.paces.of(reading)), 200)
  })
}
