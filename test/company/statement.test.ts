import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Charge, statement } from '../../examples/company/statement.ts'
import { runProgram } from '../e2e/processes.ts'
import { type Customer, openStand, type Stand } from './stand.ts'

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

describe('npm run company', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-day-'))
  let stand: Stand
  let customer: Customer
  beforeAll(async () => {
    stand = await openStand()
    customer = await stand.customer('200')
  }, 180_000)
  afterAll(async () => {
    await stand?.close()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  test('does a day of work, and every charge of it adds up', async () => {
    const { companyUrl, gatewayUrl } = stand
    writeFileSync(join(folder, 'dev.json'), JSON.stringify({ companyUrl, gatewayUrl, demo: customer }))
    const program = runProgram('examples/company/day-of-work.ts', { DATA_DIR: folder })
    expect([await program.ended, program.output()]).toEqual([0, expect.stringContaining('add up to the micro-credit')])
    for (const part of [
      /AI usage, \d+ tokens +fast practice\/\S+ +ada /,
      /AI usage, \d+ tokens +advanced practice\/\S+ +clara /,
      /Internal: safety, .* ada /,
      /Internal: memory, .* bruno /,
      /Tool calls: image\.standard .* clara +4\.000000\n/,
      /Tool calls: mail +bruno +0\.050000\n/,
      /Tool calls: web\.search +ada +free\n/,
      /Tasks completed +bruno +0\.250000\n/,
      /Compute runtime, [\d.]+ s /,
    ])
      expect(program.output()).toMatch(part)
    const { remaining } = await customer.balance()
    expect(program.output()).toContain(`balance after  ${(remaining / 1_000_000).toFixed(6)}\n`)
  }, 240_000)

  test('says what to do when nothing runs', async () => {
    const program = runProgram('examples/company/day-of-work.ts', { DATA_DIR: join(folder, 'none') })
    expect(await program.ended).toBe(1)
    expect(program.output()).toContain('run `npm start` in another terminal first')
  })
})
