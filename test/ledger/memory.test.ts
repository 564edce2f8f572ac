import { afterAll, beforeAll, expect, test } from 'vitest'
import { toMicro, zero } from '../../credits/money.ts'
import { noQuantities, rowKey } from '../../credits/usage-row.ts'
import { shardOf } from '../../ledger/keys.ts'
import { LedgerUnavailable } from '../../ledger/ledger.ts'
import { type GivenLedger, detailOf, givenLedger, quantities, row, termsOf } from './given.ts'

let given: GivenLedger
beforeAll(async () => {
  given = await givenLedger()
})
afterAll(() => given.stop())

test('with the memory full new work is refused as unavailable, and what runs is still settled, healed and let go', async () => {
  await given.load('full', { granted: toMicro(1_000) })
  const name = (key: string) => ({ accountId: 'full', id: given.mint(key) })
  const lease = { amount: toMicro(10), minimum: zero, ttlMs: 1, row, levels: [] }
  for (const key of ['settled', 'expired', 'released']) await given.ledger.reserve({ ...name(key), ...lease })
  await given.ledger.extend({ ...name('expired'), accrued: toMicro(4), more: zero, ttlMs: 1 })
  const names = { settled: name('settled'), expired: name('expired'), released: name('released') }
  await given.clock.advance(1_000)
  const done = { row, quantities, levels: [], detail: detailOf(0), actual: toMicro(7) }

  await given.redis.config('SET', 'maxmemory', '1')
  try {
    await expect(given.ledger.reserve({ ...name('new'), ...lease })).rejects.toThrow(LedgerUnavailable)
    await expect(given.ledger.charge({ ...name('new'), ...done, accepted: false })).rejects.toThrow(LedgerUnavailable)
    expect(await given.ledger.settle({ ...names.settled, ...done })).toMatchObject({ status: 'settled', charged: 7 })
    expect(await given.ledger.expire(names.expired)).toEqual({ status: 'expired', charged: 4 })
    expect(await given.ledger.release(names.released)).toEqual({ status: 'released' })
    expect(await given.ledger.putTerms('full', termsOf({ version: 2 }))).toEqual({ status: 'put' })
    const shard = shardOf('full')
    expect(await given.ledger.ackReceipts(shard, await given.ledger.receipts(shard, 9))).toBe('acked')

    expect(await given.ledger.repair('full', { from: 1, to: 2 })).toEqual({ status: 'repaired' })
    const read = await given.ledger.snapshot('full')
    if (read.status !== 'loaded') throw new Error('not loaded')
    const { lineage, corrections, seq } = read
    const add = { ...noQuantities, charged: 5, uncollected: 0 }
    const rows = [{ epoch: 1, row: rowKey({ ...row, employee: 'bob' }), add }]
    const windows = [{ level: 'task:one', window: 'all', add: 5 }]
    expect(await given.ledger.correct({ accountId: 'full', lineage, corrections, seq, rows, windows })).toEqual({
      status: 'corrected',
    })
    await given.ledger.noteChecked('full')
    expect(await given.ledger.unchecked([shard], { olderThanMs: 0, perShard: 9 })).toEqual(['full'])
    expect(await given.ledger.read('full')).toMatchObject({ held: 0, spent: 16 })
    const after = await given.ledger.snapshot('full')
    if (after.status !== 'loaded') throw new Error('not loaded')
    await given.ledger.ackRows('full', 2, after.seq)
    expect(await given.ledger.evict('full', after)).toEqual({ status: 'evicted' })
  } finally {
    await given.redis.config('SET', 'maxmemory', '0')
  }
})
