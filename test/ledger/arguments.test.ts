import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Micro, toMicro, zero } from '../../credits/money.ts'
import { accountKeys, deadlineMember } from '../../ledger/keys.ts'
import { type RunScript, registerScripts } from '../../ledger/scripts.ts'
import { type GivenLedger, detailOf, givenLedger, quantities, row } from './given.ts'

let given: GivenLedger
let run: RunScript
beforeAll(async () => {
  given = await givenLedger()
  await given.load('hostile', { granted: toMicro(100) })
  run = registerScripts(given.redis)
})
afterAll(() => given.stop())

const hostile = ['nan', 'inf', '-1', '1e3', '0x10', ' 5 ', '5\n', '1.5', '', '1234567890123456', '1000000000001']
const keys = accountKeys('hostile')

test.each(hostile)('%j straight into a script is refused before anything is written', async (amount) => {
  const id = given.mint('hostile')
  const member = deadlineMember('hostile', id)
  const now = given.clock.nowMs()
  const before = await given.redis.dump(keys.account)
  const all = [
    keys.account,
    keys.hold(id),
    keys.rows,
    keys.budgets,
    keys.deadlines,
    keys.dirty,
    keys.receipts,
    keys.clock,
  ]
  const booked = ['a|||||', '1,0,0,0,0', '', '', '', '{}', 0, 600_000, 60_000]
  for (const attempt of [
    run(
      'reserve',
      [keys.account, keys.hold(id), keys.budgets, keys.deadlines, keys.clock],
      [member, now, amount, 0, 1000, '', '', 0, '', 1000, 100],
    ),
    run(
      'reserve',
      [keys.account, keys.hold(id), keys.budgets, keys.deadlines, keys.clock],
      [member, now, 5, amount, 1000, '', '', 0, '', 1000, 100],
    ),
    run('extend', [keys.account, keys.hold(id), keys.budgets, keys.deadlines], [member, amount, 0, 1000, 0]),
    run('extend', [keys.account, keys.hold(id), keys.budgets, keys.deadlines], [member, 0, amount, 1000, 0]),
    run('settle', all, ['hostile', id, now, amount, ...booked, member]),
    run('charge', [...all.slice(0, 4), ...all.slice(5)], ['hostile', id, now, amount, ...booked, 0, '']),
    run(
      'put-terms',
      [keys.account, keys.budgets, keys.dirty],
      ['hostile', 9, 9, amount === '1000000000001' ? '' : amount, 0, 0, '', '{}', '', ''],
    ),
  ]) {
    await expect(attempt).rejects.toThrow(/^LEDGER |^ERR LEDGER /)
  }
  expect(await given.redis.dump(keys.account)).toEqual(before)
  expect(await given.redis.exists(keys.hold(id), keys.receipts)).toBe(0)
})

test.each([
  { amount: Number.NaN },
  { amount: -1 },
  { amount: 0.5 },
  { amount: 1e13 },
  { minimum: 11 },
  { ttlMs: 0 },
  { levels: ['a|b'] },
  { levels: [''] },
  { id: 'short' },
  { accountId: '' },
])('%j is a RangeError before Redis hears of it', async (change) => {
  const request = { accountId: 'hostile', id: given.mint('x'), amount: 10, minimum: 1, ttlMs: 1_000, row, levels: [] }
  await expect(
    given.ledger.reserve({ ...request, ...change } as typeof request & { amount: Micro; minimum: Micro }),
  ).rejects.toThrow(RangeError)
})

test('amounts of fifteen digits go in and come out exactly', async () => {
  await given.load('rich', { granted: toMicro(999_999_999_999_999) })
  await given.load('poor', {})
  const request = { accountId: 'rich', row, levels: [], ttlMs: 1_000, minimum: zero }
  const id = given.mint('large')
  expect(await given.ledger.reserve({ ...request, id, amount: toMicro(123_456_789_012) })).toMatchObject({
    held: 123_456_789_012,
  })
  await given.ledger.settle({
    accountId: 'rich',
    id,
    actual: toMicro(100_000_000_000),
    row,
    quantities,
    levels: [],
    detail: detailOf(0),
  })
  expect(await given.ledger.read('rich')).toMatchObject({
    granted: 999_999_999_999_999,
    spent: 100_000_000_000,
    held: 0,
  })
})
