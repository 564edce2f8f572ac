import { Hono } from 'hono'
import { employees } from '../employees.ts'
import type { DoorDeps, SignedIn } from './deps.ts'
import { DoorError } from './door-error.ts'

/** Hires the company's employees for the account, in the caller's own name. Those who are there stay as the user has set them. */
export function staff({ gatewayUrl }: Pick<DoorDeps, 'gatewayUrl'>): Hono<SignedIn> {
  const routes = new Hono<SignedIn>()
  routes.post('/', async (context) => {
    for (const employee of employees) {
      const answer = await fetch(`${gatewayUrl}/credits/v1/employees`, {
        method: 'POST',
        headers: { authorization: context.req.header('authorization')!, 'content-type': 'application/json' },
        body: JSON.stringify(employee),
      })
      if (answer.status === 403) throw new DoorError(403, 'forbidden', 'this key may not create employees')
      if (!answer.ok && answer.status !== 409)
        throw new DoorError(503, 'gateway_unavailable', `the gateway answered ${answer.status}`)
    }
    return context.json({ items: employees })
  })
  return routes
}
