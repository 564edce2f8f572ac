import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openWindows } from '../../credits/budget-window.ts'
import { windowName } from '../ledger/model-ledger.ts'

test.each([
  ['the first moment of 2026', Date.UTC(2026, 0, 1), 0, { day: 'd20454', week: 'w2922', month: 'm202601' }],
  ['the last one of 2025', Date.UTC(2026, 0, 1) - 1, 0, { day: 'd20453', week: 'w2922', month: 'm202512' }],
  ['a Sunday that is Monday there', Date.UTC(2026, 0, 4, 23), 7_200_000, { day: 'd20458', week: 'w2923' }],
  ['a first of the month that is the last there', Date.UTC(2024, 2, 1, 1), -7_200_000, { month: 'm202402' }],
])('open at %s', (_, nowMs, utcOffsetMs, windows) => {
  expect(openWindows(nowMs, utcOffsetMs)).toMatchObject({ ...windows, total: 'all' })
})

// That the ledger's scripts spell them so is proved against real Redis, by generated sequences.
test('windows are named as the ledger names them, at any time and in any zone', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }),
      fc.integer({ min: -14 * 60, max: 14 * 60 }),
      (nowMs, offsetMinutes) => {
        const open = openWindows(nowMs, offsetMinutes * 60_000)
        for (const window of ['day', 'week', 'month', 'total'] as const)
          expect(open[window]).toBe(windowName(window, nowMs + offsetMinutes * 60_000))
      },
    ),
  )
})
