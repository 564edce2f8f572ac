import { expect, test } from 'vitest'
import { accountsSuite } from '../../bench/accounts.ts'

test(
  'the suite accounts counts what Temporal did for a busy account, and weighs old ones',
  { timeout: 120_000 },
  async () => {
    const { figures } = await accountsSuite({ quick: true, say: () => {} })
    expect(figures.filter(({ value }) => !Number.isFinite(value))).toEqual([])
    const goals = figures.flatMap(({ name, goal }) => (goal === null ? [] : [[name, goal]]))
    expect(Object.fromEntries(goals)).toEqual({
      'actions per 1,000 charges of a busy account, with those heartbeats': { atMost: 5 },
      'account state after three years': { atMost: 200 },
    })
    const value = (name: string): number => figures.find((figure) => figure.name === name)!.value
    // The account was reported, and no figure of the sizes hangs on the machine.
    expect(value('its workflow: updates per 1,000 charges')).toBeGreaterThan(0)
    expect(value('account state after three years')).toBeLessThan(200)
  },
)
