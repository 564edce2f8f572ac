import fc from 'fast-check'
import { expect, test } from 'vitest'

import { isDepleted, levelOf, percentLeft, percentUsed, shownRemaining } from '../../credits/level.ts'
import { creditsToMicro, toMicro } from '../../credits/money.ts'

test.each([
  [1000, 1000, '100%', '0%', 'ok'],
  [999.999999, 1000, '99%', '1%', 'ok'],
  [990.000001, 1000, '99%', '1%', 'ok'],
  [990, 1000, '99%', '1%', 'ok'],
  [989.999999, 1000, '99%', '1%', 'ok'],
  [755, 1000, '76%', '24%', 'ok'],
  [250.000001, 1000, '26%', '74%', 'ok'],
  [250, 1000, '25%', '75%', 'warn'],
  [150.000001, 1000, '16%', '84%', 'warn'],
  [150, 1000, '15%', '85%', 'critical'],
  [10, 1000, '1%', '99%', 'critical'],
  [9.999999, 1000, '<1%', '>99%', 'critical'],
  [0.000001, 1000, '<1%', '>99%', 'critical'],
  [0, 1000, '0%', '100%', 'depleted'],
  [0, 0, '0%', '100%', 'depleted'],
  [1, 0, '0%', '100%', 'depleted'],
] as const)('%d of %d: %s left, %s used, %s', (remaining, total, left, used, level) => {
  const [part, whole] = [creditsToMicro(remaining.toFixed(6)), creditsToMicro(total)]
  expect([percentLeft(part, whole), percentUsed(part, whole), levelOf(part, whole)]).toEqual([left, used, level])
})

test('without a total there is no percentage and no colour', () => {
  expect([percentLeft(5, null), percentUsed(5, null), levelOf(5, null)]).toEqual([null, null, 'unknown'])
})

test('the label and the level never disagree', () => {
  const amount = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
  const pair = fc.oneof(
    fc.tuple(amount, amount),
    // Around whole percentages, to the micro-credit.
    fc
      .tuple(
        fc.integer({ min: 1, max: 90_000_000_000_000 }),
        fc.integer({ min: 0, max: 101 }),
        fc.integer({ min: -1, max: 1 }),
      )
      .map(([unit, percent, beside]) => [Math.max(0, unit * percent + beside), unit * 100] as const),
  )
  fc.assert(
    fc.property(pair, ([remaining, whole]) => {
      const total = toMicro(whole)
      const label = percentLeft(remaining, total)!
      const level = levelOf(remaining, total)
      const number = label === '<1%' ? 0.5 : Number.parseInt(label, 10)
      expect(number <= 25).toBe(level !== 'ok')
      expect(number <= 15).toBe(level === 'critical' || level === 'depleted')
      expect(number === 0).toBe(level === 'depleted')
      expect(number === 100).toBe(total > 0 && remaining >= total)
      const used = percentUsed(remaining, total)!
      expect(label === '<1%' ? used : `${Number.parseInt(label, 10) + Number.parseInt(used, 10)}%`).toBe(
        label === '<1%' ? '>99%' : '100%',
      )
    }),
    { numRuns: 100_000, seed: 20261122 },
  )
})

test('less than the threshold is depleted and shows as nothing', () => {
  const policies = { depletedBelow: creditsToMicro('0.01') }
  expect([-5, 0, 1, 9_999, 10_000, 10_001].map((remaining) => isDepleted(remaining, policies))).toEqual([
    true,
    true,
    true,
    true,
    false,
    false,
  ])
  expect([-5, 9_999, 10_000].map((remaining) => shownRemaining(remaining, policies))).toEqual([0, 0, 10_000])
  expect(isDepleted(0, { depletedBelow: toMicro(0) })).toBe(true)
})
