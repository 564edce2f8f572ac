import slotOf from 'cluster-key-slot'
import { expect, test } from 'vitest'
import {
  accountKeys,
  answerKey,
  deadlineMember,
  parseDeadlineMember,
  shardCount,
  shardKeys,
  shardOf,
} from '../../ledger/keys.ts'

test('the shards spread evenly over the slots of a Cluster', () => {
  const slots = Array.from({ length: shardCount }, (_, shard) => slotOf(shardKeys(shard).receipts))
  expect(slots.map((slot) => Math.floor(slot / 64))).toEqual(slots.map((_, shard) => shard))
})

test('all keys of one account lie in one slot, whatever its name', () => {
  for (const accountId of ['a', 'user_1', 'with{braces}', '{s1}', 'a:b|c', 'ü']) {
    const { hold, meter, session, ...keys } = accountKeys(accountId)
    const slots = new Set([...Object.values(keys), hold('x'), meter('x'), session('x')].map((key) => slotOf(key)))
    expect(slots.size).toBe(1)
    expect(slotOf(shardKeys(shardOf(accountId)).clock)).toBe([...slots][0])
  }
})

test('the names of keys do not change: deployed ledgers hold them', () => {
  expect(accountKeys('user_1')).toMatchObject({ account: 'tg:{s122}:a:user_1', receipts: 'tg:{s122}:receipts' })
  expect(answerKey('user_1', 'key')).toBe('tg:answer:JyZLoleBs7Cs62QPB6WMfVvuZuewHW_KcoEmLUFljPM')
})

test('a deadline names its hold, whatever the account is called', () => {
  const name = { accountId: 'a|b:c', id: '0mwrwvw7t.key' }
  expect(parseDeadlineMember(deadlineMember(name.accountId, name.id))).toEqual(name)
})
