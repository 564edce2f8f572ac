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
  app.openapi(route, async (c) =>
    c.json(balanceOf(await readAccount(deps, c.get('user').accountId), deps.catalogue.policies), 200),
  )
}
