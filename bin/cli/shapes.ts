import { z } from 'zod'

/** What of the API's answers the tables show. Unknown fields are left for `--json`. */
export const Account = z.object({
  accountId: z.string(),
  email: z.string(),
  createdAt: z.string(),
  timeZone: z.string(),
  plan: z.object({ id: z.string(), name: z.string() }),
  pendingPlan: z.object({ id: z.string(), name: z.string(), from: z.string() }).nullable(),
  period: z.number(),
  periodStart: z.string(),
  periodEnd: z.string(),
  employees: z.number(),
})

export const Balance = z.object({
  total: z.number(),
  remaining: z.number(),
  held: z.number(),
  used: z.number(),
  projection: z.object({ runOutAt: z.string().nullable(), leftAtEnd: z.number().nullable() }).nullable(),
})

const line = { label: z.string(), credits: z.number() }
export const Usage = z.object({
  total: z.number(),
  rows: z.array(
    z.object({
      ...line,
      children: z.array(z.object({ ...line, children: z.array(z.object(line)).optional() })).optional(),
    }),
  ),
})

export const Grants = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      at: z.string(),
      source: z.string(),
      detail: z.string(),
      amount: z.number(),
      left: z.number(),
      status: z.string(),
    }),
  ),
})

export const Granted = z.object({
  id: z.string(),
  amount: z.number(),
  balance: z.object({ remaining: z.number(), total: z.number() }).nullable(),
})

export const Key = z.object({
  id: z.string(),
  name: z.string(),
  employees: z.array(z.string()).nullable(),
  createdAt: z.string(),
  revokedAt: z.string().nullable(),
})
export const NewKey = Key.extend({ secret: z.string() })
export const Keys = z.object({ items: z.array(Key) })

export const PlanChange = z.object({ plan: z.string(), from: z.string() })

export const AuditEntries = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      at: z.string(),
      accountId: z.string(),
      who: z.string(),
      action: z.string(),
      why: z.string(),
      outcome: z.string().nullable(),
    }),
  ),
  next: z.string().nullable(),
})

export const Token = z.object({ token: z.string(), expiresAt: z.string() })

export const PromoCode = z.object({
  code: z.string(),
  amount: z.number(),
  keeps: z.boolean(),
  periods: z.number().nullable(),
  taken: z.number(),
  mostTaken: z.number().nullable(),
  validFrom: z.string().nullable(),
  validUntil: z.string().nullable(),
  endedAt: z.string().nullable(),
})
export const PromoCodes = z.object({ items: z.array(PromoCode), next: z.string().nullable() })
