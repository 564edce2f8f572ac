import { expect, vi } from 'vitest'
import { chargeId } from '../../credits/charge-id.ts'
import { toMicro, zero } from '../../credits/money.ts'
import { shardCount, shardOf } from '../../ledger/keys.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { detailOf, quantities, row, sessionFacts, termsOf } from './given.ts'

const shards = Array.from({ length: shardCount }, (_, index) => index)

/** Leads an account, alone in its shard, through a whole life: all operations, each with the answer that does the most. */
export async function everyOperation(ledger: Ledger, accountId: string): Promise<void> {
  const shard = shardOf(accountId)
  const budgets = [{ level: 'employee:ada', limit: toMicro(500), window: 'day', atLimit: 'pause' }] as const
  const terms = termsOf({ granted: toMicro(1_000), budgets, alertsAt: [toMicro(500)] })
  await ledger.lock(accountId, 'given back', 60_000)
  await ledger.unlock(accountId, 'given back')
  await ledger.lock(accountId, 'token', 60_000)
  await ledger.hydrate({
    accountId,
    token: 'token',
    lineage: 1,
    terms,
    epochs: [],
    budgets: [],
    held: zero,
    newestBirthMs: 0,
    journalNowMs: 0,
  })
  await ledger.unlock(accountId, 'token')
  const account = await loaded(ledger.read(accountId))
  const known = { lineage: 1, nowMs: account.nowMs, found: null }
  const name = (key: string) => ({ accountId, id: chargeId(account.nowMs, key) })
  const lease = { amount: toMicro(50), minimum: zero, ttlMs: 60_000, row, levels: ['employee:ada'] }
  const done = { row, quantities, levels: ['employee:ada'], detail: detailOf(0) }

  for (const key of ['settled', 'released', 'expired', 'shared']) {
    expect(
      await ledger.reserve({ ...name(key), ...lease, ttlMs: key === 'expired' ? 1 : 60_000 }, known),
    ).toMatchObject({ status: 'created' })
  }
  await ledger.extend({ ...name('settled'), accrued: toMicro(5), more: toMicro(5), ttlMs: 60_000 })
  expect(await ledger.settle({ ...name('settled'), ...done, actual: toMicro(40) })).toMatchObject({ status: 'settled' })
  const calls = ['first', 'second'].map((key) => ({ ...name(key), ...done, actual: toMicro(10), part: toMicro(20) }))
  expect(await ledger.settleTogether({ accountId, hold: name('shared').id, calls })).toMatchObject({
    status: 'settled',
  })
  expect(await ledger.settleTogether({ accountId, hold: name('shared').id, keeps: zero, calls: [] })).toEqual({
    status: 'settled',
    calls: [],
  })
  expect(await ledger.release(name('released'))).toMatchObject({ status: 'released' })
  await vi.waitFor(async () => expect(await ledger.expire(name('expired'))).toMatchObject({ status: 'expired' }))
  expect(
    await ledger.charge({ ...name('charged'), ...done, actual: toMicro(40), accepted: false }, known),
  ).toMatchObject({ status: 'settled' })
  const rolled = termsOf({
    version: 2,
    epoch: 2,
    granted: toMicro(9),
    earlier: [{ epoch: 1, free: toMicro(99), counted: toMicro(80) }],
  })
  expect(await ledger.putTerms(accountId, rolled)).toEqual({ status: 'put' })
  const receipts = await ledger.receipts(shard, 10)
  expect(receipts.map(({ receipt }) => receipt.charged)).toEqual([40, 40])
  expect(await ledger.ackReceipts(shard, receipts)).toBe('acked')
  expect((await loaded(ledger.inspect(accountId))).seq).toBe((await loaded(ledger.snapshot(accountId))).seq)
  await ledger.ackRows(accountId, 1, (await loaded(ledger.snapshot(accountId))).seq)
  expect(await ledger.closeEpoch(accountId, 1, 1)).toEqual({ status: 'closed' })

  expect(await ledger.repair(accountId, { from: 1, to: 2 })).toEqual({ status: 'repaired' })
  const repaired = await loaded(ledger.snapshot(accountId))
  const { lineage, corrections, seq } = repaired
  const add = { ...quantities, charged: 3, uncollected: 0 }
  const rows = [{ epoch: 2, row: 'ai_usage|fast|practice/small||ada|', add }]
  expect(await ledger.correct({ accountId, lineage, corrections, seq, rows, windows: [] })).toEqual({
    status: 'corrected',
  })
  expect(await ledger.unchecked([shard], { olderThanMs: 0, perShard: 9 })).toEqual([accountId])
  await ledger.noteChecked(accountId)
  expect(await ledger.wait({ accountId, waiter: 'run', need: toMicro(1_000_000) })).toEqual({ status: 'waiting' })
  expect(await ledger.popWaiters(accountId, 9)).toEqual({ status: 'popped', waiters: [] })
  await ledger.stopWaiting(accountId, 'run')
  const times = { leaseMs: 1_000, longestMs: 60_000, keptMs: 60_000, untoldMs: 0, stoppedAgoMs: 0, safe: [] }
  expect(await ledger.measure({ accountId, meter: 'run', lease: 'work', act: 'run', ...times })).toMatchObject({
    leases: 1,
  })
  const call = { accountId, sessionId: 'call' }
  await ledger.session({ ...call, act: 'begin', facts: sessionFacts })
  expect(await ledger.openSessions(accountId)).toEqual(['call'])
  await ledger.session({ ...call, act: 'end', reason: 'requested' })
  expect((await ledger.readSessions([call])).get(call)?.record).toMatchObject({ endReason: 'requested' })
  const pending = await ledger.pending(shards, { dirtyOlderThanMs: 0, perShard: 9 })
  expect(pending.flatMap(({ dirty }) => dirty)).toContain(accountId)
  expect(await ledger.inspect(accountId)).toMatchObject({ status: 'loaded' })
  const last = await loaded(ledger.snapshot(accountId))
  expect(last.spent).toBe(3)
  await ledger.ackRows(accountId, 2, last.seq)
  expect(await ledger.evict(accountId, last)).toEqual({ status: 'evicted' })
}

async function loaded<T extends { readonly status: string }>(
  asked: Promise<T>,
): Promise<Extract<T, { status: 'loaded' }>> {
  const answer = await asked
  if (answer.status !== 'loaded') throw new Error(`not loaded: ${answer.status}`)
  return answer as Extract<T, { status: 'loaded' }>
}
