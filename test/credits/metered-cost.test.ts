import { expect, test } from 'vitest'
import { meteredCost } from '../../credits/metered-cost.ts'
import { creditsToMicro, toMicro } from '../../credits/money.ts'

test.each([
  [0, '1', 0],
  [1, '1', 17],
  [60_000, '1', 1_000_000],
  [60_001, '1', 1_000_017],
  [90_000, '1.5', 2_250_000],
  [300_000, '0', 0],
])('%d ms at %s a minute cost %d µcr, rounded up once', (ms, perMinute, micro) => {
  expect(meteredCost(ms, creditsToMicro(perMinute))).toBe(micro)
})

test('a day at a price that leaves the range of doubles on the way is exact', () => {
  expect(meteredCost(86_400_000, toMicro(123_456_789))).toBe(123_456_789 * 1_440)
})

test.each([-1, 0.5, Number.NaN])('%d is no time', (ms) => {
  expect(() => meteredCost(ms, creditsToMicro(1))).toThrow(RangeError)
})
