import { z } from '@hono/zod-openapi'
import type { ChargeId } from '../../credits/charge-id.ts'
import { minuteAt, minuteCharge } from '../../credits/session/minutes.ts'
import { minutePrice } from '../../credits/session/price.ts'
import { adapterNames, endReasons, platforms, sessionKinds, sessionStates } from '../../credits/session/session.ts'
import type { SessionView } from '../../middleware/sessions/session-view.ts'
import { Instant, instant, Micro } from '../route.ts'

export const Session = z
  .object({
    id: z.string(),
    kind: z.enum(sessionKinds),
    state: z.enum(sessionStates).openapi({ description: '`starting` until what it runs on is there.' }),
    employeeId: z.string(),
    organizationId: z.string(),
    messageId: z.string(),
    adapter: z.enum(adapterNames).openapi({ description: 'What it runs on.' }),
    platform: z.enum(platforms).nullable().openapi({ description: 'Of a meeting, where it is held.' }),
    startedAt: Instant,
    endedAt: Instant.nullable(),
    endReason: z.enum(endReasons).nullable().openapi({
      description:
        '`requested`, `credits` (they ran out), `budget` (it was reached), `connection_lost`, `longest`, `left` (everybody did).',
    }),
    seconds: z.int().openapi({ description: 'How long it has lasted, rounded up.' }),
    rate: Micro.openapi({ description: 'µcr a minute, as agreed at its start.' }),
    credits: Micro.openapi({ description: 'What that comes to so far; of one that has ended, what was charged.' }),
    warning: z
      .object({ secondsLeft: z.int() })
      .nullable()
      .openapi({ description: 'For how long what is left will do, while that is little.' }),
  })
  .openapi('Session')
export type Session = z.infer<typeof Session>

export const SessionDetail = Session.extend({
  entryIds: z
    .array(z.string())
    .openapi({ description: 'Its receipts, one a minute; the newest may still be on its way.' }),
}).openapi('SessionDetail')

export function sessionOf(view: SessionView): Session {
  const { sessionId, kind, state, employee, organization, message, adapter, platform } = view
  const { startedAtMs, endedAtMs, endReason, ms, perMinute, credits, secondsLeft } = view
  return {
    id: sessionId,
    kind,
    state,
    employeeId: employee,
    organizationId: organization,
    messageId: message,
    adapter,
    platform,
    startedAt: instant(startedAtMs),
    endedAt: endedAtMs === null ? null : instant(endedAtMs),
    endReason,
    seconds: Math.ceil(ms / 1_000),
    rate: perMinute,
    credits,
    warning: secondsLeft === null ? null : { secondsLeft },
  }
}

export function sessionDetailOf(view: SessionView): z.infer<typeof SessionDetail> {
  return { ...sessionOf(view), entryIds: chargesOf(view) }
}

/** The ids of the charges that there are for a session, a minute each. */
export function chargesOf(view: SessionView): ChargeId[] {
  // The minute that runs has none yet.
  const minutes = view.endedAtMs === null ? minuteAt(view.ms) : minuteAt(view.ms) + 1
  const charged = Array.from({ length: minutes }, (_, minute) => minute).filter(
    (minute) => minutePrice(minute, view.ms, view) > 0,
  )
  return charged.map((minute) => minuteCharge(view, minute))
}
