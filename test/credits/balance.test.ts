import { expect, test } from 'vitest'
import { type AccountFigures, availableOf, deficitOf, rawOf, remainingOf, roomOf } from '../../credits/balance.ts'
import { toMicro, zero } from '../../credits/money.ts'

const account = (change: Record<string, number>, earlier: readonly (readonly number[])[] = []): AccountFigures => ({
  epoch: 3,
  granted: toMicro(change['granted'] ?? 0),
  used: toMicro(change['used'] ?? 0),
  spent: toMicro(change['spent'] ?? 0),
  held: toMicro(change['held'] ?? 0),
  quarantine: toMicro(change['quarantine'] ?? 0),
  earlier: earlier.map(([spent, held, free, counted], index) => ({
    epoch: index + 1,
    spent: toMicro(spent!),
    held: toMicro(held!),
    free: toMicro(free!),
    counted: toMicro(counted!),
  })),
})

test.each([
  { name: 'nothing granted', given: account({}), raw: 0, remaining: 0 },
  { name: 'held credits still show', given: account({ granted: 100, spent: 30, held: 20 }), raw: 50, remaining: 70 },
  { name: 'so do those in quarantine', given: account({ granted: 100, quarantine: 20 }), raw: 80, remaining: 100 },
  { name: 'what is used is gone', given: account({ granted: 100, used: 40 }), raw: 60, remaining: 60 },
  { name: 'a claw-back', given: account({ granted: 10, spent: 15, held: 5 }), raw: -10, remaining: 0 },
  {
    name: 'an old period within its own money',
    given: account({ granted: 100 }, [[30, 20, 60, 0]]),
    raw: 100,
    remaining: 100,
  },
  { name: 'an old period beyond it', given: account({ granted: 100 }, [[70, 20, 60, 0]]), raw: 70, remaining: 90 },
  { name: 'counted already', given: account({ granted: 100, used: 10 }, [[70, 0, 60, 70]]), raw: 90, remaining: 90 },
  {
    name: 'a late refund after that',
    given: account({ granted: 100, used: 10 }, [[62, 0, 60, 70]]),
    raw: 98,
    remaining: 98,
  },
  {
    name: 'two old periods',
    given: account({ granted: 100 }, [
      [5, 0, 0, 0],
      [0, 7, 0, 0],
    ]),
    raw: 88,
    remaining: 95,
  },
])('$name: raw $raw, remaining $remaining', ({ given, raw, remaining }) => {
  expect({ raw: rawOf(given), remaining: remainingOf(given) }).toEqual({ raw, remaining })
  expect(availableOf(given)).toBe(Math.max(0, raw))
  expect(deficitOf(given) === 0 ? availableOf(given) : 0 - deficitOf(given)).toBe(raw)
})

test('an old period has room in its own money, the current one only in what is available', () => {
  const figures = account({ granted: 10 }, [[20, 5, 60, 0]])
  expect(roomOf(figures, 1)).toBe(45)
  expect(roomOf(figures, 3)).toBe(10)
  expect(roomOf(account({ granted: 0, held: 5 }, [[20, 5, 60, 0]]), 1)).toBe(35)
  expect(roomOf(account({}), 3)).toBe(zero)
})
