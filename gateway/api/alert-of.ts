import { z } from '@hono/zod-openapi'
import type { AlertView } from '../../credits/account/messages.ts'
import { Instant, instant } from '../route.ts'

export const Alert = z
  .object({
    id: z.string(),
    threshold: z.int().openapi({ description: 'Percent left at most.', example: 25 }),
    period: z.int(),
    at: Instant,
    acknowledgedAt: Instant.nullable().openapi({ description: 'When its user had seen it, on any device.' }),
  })
  .openapi('Alert')

export function alertOf({ id, threshold, epoch, atMs, acknowledgedAtMs }: AlertView): z.infer<typeof Alert> {
  return {
    id,
    threshold,
    period: epoch,
    at: instant(atMs),
    acknowledgedAt: acknowledgedAtMs === null ? null : instant(acknowledgedAtMs),
  }
}
