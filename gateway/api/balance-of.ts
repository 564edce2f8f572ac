import { z } from '@hono/zod-openapi'
import { availableOf, remainingOf } from '../../credits/balance.ts'
import { leftOf } from '../../credits/burn.ts'
import type { Policies } from '../../credits/catalogue.ts'
import { shownRemaining } from '../../credits/level.ts'
import { less, type Micro as Amount, sum } from '../../credits/money.ts'
import { type Pace, project } from '../../credits/projection.ts'
import type { GrantSource } from '../../credits/terms.ts'
import type { AccountReading } from '../../ledger/ledger.ts'
import { Instant, instant, Micro } from '../route.ts'

export const grantSources = [
  'plan',
  'pack',
  'welcome',
  'promo',
  'referral',
  'refund',
  'adjustment',
] as const satisfies readonly GrantSource[]

export const Balance = z
  .object({
    epoch: z.string().openapi({
      description: 'Life of the ledger and period. A new one always wins over what a client has.',
      example: '1.3',
    }),
    version: z.int().openapi({ description: 'Grows with every change within one epoch; drop what is not newer.' }),
    accountId: z.string(),
    plan: z.object({ id: z.string(), name: z.string(), allowance: Micro }),
    total: Micro.openapi({
      description: 'Money of this period, used or not: plan, packs and bonuses. The base of every percentage.',
    }),
    remaining: Micro.openapi({ description: 'What is left of it; shows 0 once the account is depleted.' }),
    held: Micro.openapi({ description: 'Set aside by calls that run now.' }),
    available: Micro.openapi({ description: 'What a new call may take: remaining less held.' }),
    used: Micro.openapi({ description: 'Spent in this period; the sum of its usage.' }),
    sources: z.array(z.object({ kind: z.enum(grantSources), left: Micro })),
    period: z.int().openapi({ description: 'Number of the period, as `GET /credits/v1/usage?period=` takes it.' }),
    periodStart: Instant,
    periodEnd: Instant,
    timeZone: z.string(),
    projection: z
      .object({ runOutAt: Instant.nullable(), leftAtEnd: Micro.nullable(), basisDays: z.number() })
      .nullable()
      .openapi({
        description:
          'At the pace of the last seven days of this period (`basisDays` where it is younger): when nothing is left, or what is left when it ends. null before a day has passed, while ' +
          'nothing is spent, or while the pace is not known.',
      }),
    serverTime: Instant,
  })
  .openapi('Balance')
export type Balance = z.infer<typeof Balance>

/** The balance that pages show, derived from one reading of the ledger. Never stored. Without a pace it says nothing of the future. */
export function balanceOf(
  reading: AccountReading,
  policies: Pick<Policies, 'depletedBelow'>,
  pace: Pace | null = null,
): Balance {
  const { card } = reading
  const left = shownRemaining(remainingOf(reading), policies)
  return {
    epoch: `${reading.lineage}.${reading.epoch}`,
    version: reading.version,
    accountId: card.accountId,
    plan: { id: card.plan, name: card.planName, allowance: card.allowance },
    total: card.total,
    remaining: left,
    held: heldIn(reading),
    // What is too little to start anything with is not available either.
    available: left === 0 ? left : availableOf(reading),
    used: less(reading.spent, 0),
    sources: sourcesOf(reading, left),
    period: reading.epoch,
    periodStart: instant(card.periodStartMs),
    periodEnd: instant(card.periodEndMs),
    timeZone: card.timeZone,
    projection: pace && projectionOf(pace, reading, left),
    serverTime: instant(reading.nowMs),
  }
}

function projectionOf(pace: Pace, { nowMs, card }: AccountReading, left: Amount): Balance['projection'] {
  const found = project(pace, { remaining: left, nowMs, endMs: card.periodEndMs })
  if (found === null) return null
  const { runOutMs, leftAtEnd, basisDays } = found
  return { runOutAt: runOutMs === null ? null : instant(runOutMs), leftAtEnd, basisDays }
}

/** Holds of all periods: a call that began before midnight still holds. */
function heldIn(reading: AccountReading): Amount {
  return sum([reading.held, ...reading.earlier.map((epoch) => epoch.held)])
}

/** What is left by source, in burn order. The parts sum to what remains. */
function sourcesOf({ card }: AccountReading, left: Amount): { kind: GrantSource; left: Amount }[] {
  // Spent of the card's money as the ledger sees it: late charges of earlier periods included.
  const grants = leftOf(card.grants, less(card.total, left))
  const kinds = [...new Set(grants.map(({ grant }) => grant.source))]
  return kinds.map((kind) => ({
    kind,
    left: sum(grants.filter(({ grant }) => grant.source === kind).map((grant) => grant.left)),
  }))
}
