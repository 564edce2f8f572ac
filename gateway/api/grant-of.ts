import { z } from '@hono/zod-openapi'
import type { GrantView } from '../../credits/account/messages.ts'
import { Instant, instant, Micro } from '../route.ts'
import { grantSources } from './balance-of.ts'

export const Grant = z
  .object({
    id: z.string(),
    at: Instant,
    source: z.enum(grantSources),
    detail: z.string().openapi({ description: 'Promo code, masked name, pack name or reason.' }),
    amount: z.int().openapi({ description: 'Micro-credits; below zero: taken back by an operator.' }),
    left: Micro,
    status: z.enum(['active', 'used_up', 'reset']),
    resetsAt: Instant.nullable().openapi({
      description: 'When what is left of it is lost; null: it stays until it is used.',
    }),
  })
  .openapi('Grant')
export type Grant = z.infer<typeof Grant>

export function grantOf({ id, atMs, source, detail, amount, left, status, resetsAtMs }: Omit<GrantView, 'by'>): Grant {
  return {
    id,
    at: instant(atMs),
    source,
    detail,
    amount,
    left,
    status,
    resetsAt: resetsAtMs === null ? null : instant(resetsAtMs),
  }
}
