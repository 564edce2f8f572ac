import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Charge, statement } from '../../examples/company/statement.ts'
import { runProgram } from '../e2e/processes.ts'

describe('a statement', () => {
  const charge = (change: Partial<Charge>): Charge => ({
    entryId: 'e',
    at: '2026-11-22T10:00:00.000Z',
    employeeId: 'ada',
    category: 'tool_calls',
    item: 'mail',
    quantity: 1,
    unit: 'calls',
    credits: 50_000,
    ...change,
  })

  test('shows each charge exactly, in the order of time, and free work as free', () => {
    const text = statement(
      [
        charge({ at: '2026-11-22T10:00:02.000Z', item: 'web.search', credits: 0 }),
        charge({ category: 'ai_usage', item: '', tier: 'fast', model: 'practice/m', quantity: 12, credits: 1 }),
      ],
      { before: { remaining: 9, used: 5 }, after: { remaining: 8, used: 6 } },
    )
    expect(text).toMatch(
      /10:00:00 {2}AI usage, 12 tokens +fast practice\/m +ada +0\.000001\n10:00:02 {2}Tool calls: web\.search +ada +free\n/,
    )
    expect(text).toContain('They add up to the micro-credit.')
  })

  test.each([
    ['less', 50_001, 0.000001],
    ['more', 49_999, 0.000001],
  ])('says when %s was used than charged', (word, credits, difference) => {
    const text = statement([charge({ credits })], {
      before: { remaining: 0, used: 0 },
      after: { remaining: 0, used: 50_000 },
    })
    expect(text).toContain(`They do NOT add up: ${difference.toFixed(6)} ${word} was used than charged.`)
  })
})

test.each(['day-of-work', 'play-call'])('%s without a running stack says what to do', async (name) => {
  const program = runProgram(`examples/company/${name}.ts`, { DATA_DIR: join(tmpdir(), 'no-such-stack') })
  expect(await program.ended).toBe(1)
  expect(program.output()).toContain('run `npm start` in another terminal first')
})
