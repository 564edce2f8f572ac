import fc from 'fast-check'
import { expect, test } from 'vitest'
import { birthOf } from '../../credits/charge-id.ts'
import { sum, toMicro } from '../../credits/money.ts'
import { minuteAt, minuteCharge } from '../../credits/session/minutes.ts'
import { minuteMs, minutePrice, roundings, sessionPrice } from '../../credits/session/price.ts'

const perMinute = toMicro(3_000_000)

test.each([
  ['exact', 0, 0],
  ['exact', 1, 50],
  ['exact', 60_000, 3_000_000],
  ['second', 1, 50_000],
  ['second', 60_000, 3_000_000],
  ['second', 60_001, 3_050_000],
  ['second', 90_500, 4_550_000],
  ['minute', 0, 0],
  ['minute', 1, 3_000_000],
  ['minute', 60_001, 6_000_000],
] as const)('rounded to %s, %i ms cost %i', (rounding, ms, micro) => {
  expect(sessionPrice(ms, { perMinute, rounding })).toBe(micro)
})

const rates = fc.record({
  perMinute: fc.integer({ min: 0, max: 1_000_000_007 }).map(toMicro),
  rounding: fc.constantFrom(...roundings),
})
const lengths = fc.integer({ min: 0, max: 20 * minuteMs })

test('the minutes of a session sum to its price, which is rounded once, and none costs more than a minute', () => {
  fc.assert(
    fc.property(rates, lengths, (rate, ms) => {
      const minutes = Array.from({ length: 22 }, (_, minute) => minutePrice(minute, ms, rate))
      expect(sum(minutes)).toBe(sessionPrice(ms, rate))
      expect(Math.max(...minutes)).toBeLessThanOrEqual(rate.perMinute)
      expect(minutes.slice(minuteAt(ms) + 1).every((micro) => micro === 0)).toBe(true)
    }),
  )
})

test('a minute that is over costs the same however long the session goes on', () => {
  fc.assert(
    fc.property(rates, lengths, lengths, (rate, ms, more) => {
      const over = minuteAt(ms) - 1
      fc.pre(over >= 0)
      expect(minutePrice(over, ms + more, rate)).toBe(minutePrice(over, ms, rate))
      expect(minutePrice(over, ms, rate)).toBe(rate.perMinute)
    }),
  )
})

test('a minute is one charge for whoever derives it, born when it may first be reserved', () => {
  const session = { sessionId: 'call', startedAtMs: 1_800_000_000_000 }
  expect(minuteCharge(session, 3)).toBe(minuteCharge({ ...session }, 3))
  expect([0, 1, 2, 3].map((minute) => birthOf(minuteCharge(session, minute)) - session.startedAtMs)).toEqual([
    0, 0, 60_000, 120_000,
  ])
  expect(new Set([0, 1, 2, 3].map((minute) => minuteCharge(session, minute))).size).toBe(4)
})
