import { expect, test } from 'vitest'
import { ledgerSuite } from '../../bench/ledger.ts'

test('the suite ledger measures pairs, refusals and memory on a real Redis', async () => {
  const { figures } = await ledgerSuite({ quick: true, say: () => {} })
  expect(figures.map(({ name, goal }) => [name, goal])).toEqual([
    ['pairs/s, bare calls', null],
    ['pairs/s, client with 64 in flight', null],
    ['pairs/s, client of the bare calls', { atLeast: 70 }],
    ['CPU per pair, Redis, bare calls', null],
    ['CPU per pair, Redis, client', null],
    ['CPU per pair, Node', null],
    ['latency of a PING, median', null],
    ['latency of a refusal, median', { atMost: 0.5 }],
    ['memory of an account', null],
    ['memory of a hold with its deadline', null],
    ['memory of a receipt', null],
    ['memory of a tombstone', null],
  ])
  expect(figures.filter(({ value }) => !(value > 0))).toEqual([])
}, 120_000)
