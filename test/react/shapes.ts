import type { z } from '@hono/zod-openapi'
import type { Alert } from '../../gateway/api/alert-of.ts'
import type { Balance } from '../../gateway/api/balance-of.ts'
import type { Budget } from '../../gateway/api/budget-of.ts'
import type { Debit } from '../../gateway/api/debit.ts'
import type { Employee } from '../../gateway/api/employees.ts'
import type { Grant } from '../../gateway/api/grant-of.ts'
import type { History } from '../../gateway/api/history.ts'
import type { MessageCost } from '../../gateway/api/messages.ts'
import type { Model } from '../../gateway/api/models.ts'
import type { Organization } from '../../gateway/api/organizations.ts'
import type { Invite } from '../../gateway/api/invites.ts'
import type { Order } from '../../gateway/api/checkouts.ts'
import type { Packs, Plans } from '../../gateway/api/plans.ts'
import type { Price } from '../../gateway/api/prices.ts'
import type { Referral } from '../../gateway/api/referral.ts'
import type { SessionCost } from '../../gateway/api/session-cost.ts'
import type { Session } from '../../gateway/api/session-of.ts'
import type { Subscription } from '../../gateway/api/subscription.ts'
import type { Usage } from '../../gateway/api/usage.ts'
import type * as shapes from '../../react/api/shapes.ts'

/** Compiles while what the gateway answers is what pages read. */
type Reads<Seen, Sent extends Seen> = [Seen, Sent]
export type Contract = [
  Reads<shapes.Balance, Balance>,
  Reads<shapes.Usage, z.infer<typeof Usage>>,
  Reads<shapes.Grant, Grant>,
  Reads<shapes.Page<shapes.Period>, z.infer<typeof History>>,
  Reads<shapes.Organization, z.infer<typeof Organization>>,
  Reads<shapes.MessageCost, z.infer<typeof MessageCost>>,
  Reads<shapes.Employee, z.infer<typeof Employee>>,
  Reads<shapes.Subscription, z.infer<typeof Subscription>>,
  Reads<shapes.Page<shapes.Plan>, z.infer<typeof Plans>>,
  Reads<shapes.Page<shapes.Pack>, z.infer<typeof Packs>>,
  Reads<shapes.Order, z.infer<typeof Order>>,
  Reads<shapes.Referral, z.infer<typeof Referral>>,
  Reads<shapes.Invite, z.infer<typeof Invite>>,
  Reads<shapes.Alert, z.infer<typeof Alert>>,
  Reads<shapes.Debit, Debit>,
  Reads<shapes.Budget, Budget>,
  Reads<shapes.Price, z.infer<typeof Price>>,
  Reads<shapes.Session, Session>,
  Reads<shapes.SessionCost, z.infer<typeof SessionCost>>,
  Reads<shapes.Model, z.infer<typeof Model>>,
]
