import { expect, test } from 'vitest'
import { sessionsSuite } from '../../bench/sessions.ts'

test('the suite sessions lives through calls, and finds each minute debited once', { timeout: 300_000 }, async () => {
  const { figures } = await sessionsSuite({ quick: true, say: () => {} })
  expect(figures.filter(({ value }) => !Number.isFinite(value))).toEqual([])
  const goals = figures.flatMap(({ name, goal }) => (goal === null ? [] : [[name, goal]]))
  expect(Object.fromEntries(goals)).toEqual({
    'minutes debited exactly once, to the micro-credit': { atLeast: 100 },
    'at zero: from the refused minute to the end of the call, worst of 4': { atMost: 2 },
    'history events per minute of half an hour': { atMost: 0.5 },
    'history events per minute of an hour': { atMost: 0.5 },
    'history events per minute of four hours': { atMost: 0.5 },
  })
  const value = (name: string): number => figures.find((figure) => figure.name === name)!.value
  // Neither hangs on the machine.
  expect(value('minutes debited exactly once, to the micro-credit')).toBe(100)
  expect(value('history events per minute of half an hour')).toBeLessThan(0.5)
})
