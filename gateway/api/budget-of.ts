import { z } from '@hono/zod-openapi'
import { openWindows, windowEnd } from '../../credits/budget-window.ts'
import { levelOf } from '../../credits/level.ts'
import { less, zero } from '../../credits/money.ts'
import { utcOffsetAt } from '../../credits/period.ts'
import type { AccountCard } from '../../credits/terms.ts'
import type { AccountSnapshot } from '../../ledger/ledger.ts'
import { Instant, instant, Micro } from '../route.ts'

export const windows = ['day', 'week', 'month', 'total'] as const
export const atLimits = ['notify', 'pause', 'stop'] as const
export const budgetKinds = ['employee', 'organization', 'task'] as const

export const Budget = z
  .object({
    id: z.string().openapi({ description: 'Its level, such as `employee:ada`.' }),
    level: z.enum(budgetKinds),
    subjectId: z.string(),
    name: z.string().openapi({ description: 'Of the employee or organization; else its id.' }),
    archived: z.boolean().openapi({ description: 'Its employee or organization is archived; the budget goes on.' }),
    window: z.enum(windows),
    limit: Micro.openapi({ description: 'The raised one while a raise lasts.' }),
    used: Micro.openapi({ description: 'In the window that is open now.' }),
    left: Micro,
    atLimit: z.enum(atLimits),
    status: z
      .enum(['ok', 'warn', 'critical', 'reached'])
      .openapi({ description: 'By the same thresholds as a balance.' }),
    raisedUntil: Instant.nullable(),
    windowEndsAt: Instant.nullable().openapi({ description: 'null: it counts for good.' }),
    version: z.int(),
  })
  .openapi('Budget')
export type Budget = z.infer<typeof Budget>

type Seen = Pick<AccountSnapshot, 'card' | 'budgets' | 'nowMs'>

/** All budgets of an account, with what the ledger has counted in their windows. */
export function budgetsOf({ card, budgets, nowMs }: Seen): readonly Budget[] {
  const open = openWindows(nowMs, utcOffsetAt(card.timeZone, nowMs))
  const spent = new Map(budgets.map(({ level, window, spent: amount }) => [`${level}|${window}`, amount]))
  return (card.budgets ?? []).map((budget) => {
    const { level, window, limit, atLimit, version, raisedUntilMs } = budget
    const kind = level.slice(0, level.indexOf(':')) as Budget['level']
    const subjectId = level.slice(level.indexOf(':') + 1)
    const used = spent.get(`${level}|${open[window]}`) ?? zero
    const left = less(limit, used)
    const endMs = windowEnd(window, nowMs, card.timeZone)
    return {
      id: level,
      level: kind,
      subjectId,
      ...nameOf(card, kind, subjectId),
      window,
      limit,
      used,
      left,
      atLimit,
      status: statusOf(left, limit),
      raisedUntil: raisedUntilMs === null ? null : instant(raisedUntilMs),
      windowEndsAt: endMs === null ? null : instant(endMs),
      version,
    }
  })
}

function nameOf(
  { employees, organizations = [] }: AccountCard,
  kind: Budget['level'],
  id: string,
): Pick<Budget, 'name' | 'archived'> {
  const list = kind === 'employee' ? employees : kind === 'organization' ? organizations : []
  const { name = id, archived = false } = list.find((each) => each.id === id) ?? {}
  return { name, archived }
}

function statusOf(left: number, limit: Parameters<typeof levelOf>[1]): Budget['status'] {
  const level = levelOf(left, limit)
  return level === 'depleted' || level === 'unknown' ? 'reached' : level
}
