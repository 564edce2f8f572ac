import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Micro, toMicro, zero } from '../../credits/money.ts'
import { accountKeys } from '../../ledger/keys.ts'
import { type RunScript, registerScripts } from '../../ledger/scripts.ts'
import { type GivenLedger, detailOf, givenLedger, quantities, row, scriptSettings } from './given.ts'

let given: GivenLedger
let run: RunScript
beforeAll(async () => {
  given = await givenLedger()
  await given.load('hostile', { granted: toMicro(100) })
  run = registerScripts(given.redis, scriptSettings)
})
afterAll(() => given.stop())

const hostile = ['nan', 'inf', '-1', '1e3', '0x10', ' 5 ', '5\n', '1.5', '', '1234567890123456', '1000000000001']
const keys = accountKeys('hostile')

test.each(hostile)('%j straight into a script is refused before anything is written', async (amount) => {
  const id = given.mint('hostile')
  const before = await given.redis.hgetall(keys.account)
  const { account, deadlines, dirty, receipts, clock } = keys
  const hold = keys.hold(id)
  const booked = ['a|||||', '[1,0,0,0,0]', '[]', '', '', '{}']
  for (const attempt of [
    run('reserve', [account, hold, deadlines, clock], ['hostile', id, amount, 0, 1000, '', '[]']),
    run('reserve', [account, hold, deadlines, clock], ['hostile', id, 5, amount, 1000, '', '[]']),
    run('extend', [account, hold, deadlines], ['hostile', id, amount, 0, 1000]),
    run('extend', [account, hold, deadlines], ['hostile', id, 0, amount, 1000]),
    run('settle', [account, hold, deadlines, dirty, receipts, clock], ['hostile', id, amount, ...booked]),
    run('charge', [account, hold, dirty, receipts, clock], ['hostile', id, amount, ...booked, 0]),
    run(
      'put-terms',
      [account, dirty],
      ['hostile', 9, 9, amount === '1000000000001' ? '' : amount, 0, 0, '', '{}', '', ''],
    ),
  ]) {
    await expect(attempt).rejects.toThrow(/^LEDGER |^ERR LEDGER /)
  }
  expect(await given.redis.hgetall(keys.account)).toEqual(before)
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
