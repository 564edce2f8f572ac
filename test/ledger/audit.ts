import type { Redis } from 'ioredis'
import { expect } from 'vitest'
import { accountKeys, deadlineMember, shardKeys, shardOf } from '../../ledger/keys.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { JournalDouble } from './journal-double.ts'

/** What must hold between any two operations, read from Redis itself; a failure says which sum is off. */
export async function audit(
  redis: Redis,
  ledger: Ledger,
  journal: JournalDouble,
  accountIds: readonly string[],
): Promise<void> {
  await Promise.all(accountIds.map((accountId) => auditAccount(redis, ledger, journal, accountId)))
}

async function auditAccount(redis: Redis, ledger: Ledger, journal: JournalDouble, accountId: string): Promise<void> {
  const keys = accountKeys(accountId)
  const shard = shardOf(accountId)
  const [account, holdKeys, deadlines, stream, checkedMs, waitsMs, left] = await Promise.all([
    ledger.snapshot(accountId),
    redis.keys(keys.hold('*')),
    redis.zrange(shardKeys(shard).deadlines, '0', '-1'),
    ledger.receipts(shard, 10_000),
    redis.zscore(keys.loaded, accountId),
    redis.zscore(keys.dirty, accountId),
    redis.exists(keys.account),
  ])
  if (account.status !== 'loaded') {
    expect({ checkedMs, waitsMs, left }, 'an account that is away left something').toEqual({
      checkedMs: null,
      waitsMs: null,
      left: 0,
    })
    return
  }
  expect(checkedMs, 'a loaded account that nobody would check').not.toBeNull()
  const [holds, times] = await Promise.all([
    Promise.all(holdKeys.map(async (key) => holdOf(await redis.getBuffer(key)))),
    Promise.all(holdKeys.map((key) => redis.pexpiretime(key))),
  ])
  const active = holds.filter(({ state }) => state === 'active')

  const books = [...account.earlier, account]
  for (const { epoch, held, spent } of books) {
    expect(held, `held of epoch ${epoch} is not the sum of its holds`).toBe(
      total(active.filter((hold) => hold.epoch === epoch).map(({ amount }) => amount)),
    )
    const rows = Object.values(account.epochs.find((one) => one.epoch === epoch)?.rows ?? {})
    expect(spent, `spent of epoch ${epoch} is not the sum of its rows`).toBe(total(rows.map(({ charged }) => charged)))
  }
  for (const { level, window, held, spent } of account.budgets) {
    const inWindow = active.filter(({ windows }) => windows.includes(`${level}|${window}`))
    expect(held, `held of ${level} is not the sum of its holds`).toBe(total(inWindow.map(({ amount }) => amount)))
    expect(spent).toBeGreaterThanOrEqual(0)
  }

  const ids = holdKeys.map((key) => key.slice(keys.hold('').length))
  const live = ids.filter((_, index) => holds[index]!.state === 'active')
  expect(deadlines.filter((member) => member.endsWith(`|${accountId}`)).toSorted()).toEqual(
    live.map((id) => deadlineMember(accountId, id)).toSorted(),
  )

  const waiting = stream.map(({ receipt }) => receipt).filter((receipt) => receipt.accountId === accountId)
  expect(waiting.map(({ n }) => n)).toEqual(waiting.map((_, index) => account.drained + 1 + index))
  expect(account.drained + waiting.length).toBe(account.n)
  // No tombstone may go before its receipt is in the journal
  for (const { id, n } of waiting) {
    const tombstone = holds[ids.indexOf(id)]
    expect(tombstone, `the tombstone of ${id} went before its receipt`).toBeDefined()
    if (tombstone!.n === n) expect(times[ids.indexOf(id)]).toBe(-1)
  }

  // Three-way: what the journal will have once all is drained is what the rows say now
  const after = journal.copy()
  after.store(waiting)
  const expected = after.epochs(accountId).filter(({ epoch }) => books.some((book) => book.epoch === epoch))
  for (const { epoch, rows } of expected) {
    expect(account.epochs.find((one) => one.epoch === epoch)?.rows, `rows of epoch ${epoch}`).toEqual(rows)
  }
}

/** What the audit asks of a hold or tombstone, as holds.lua packs it: the state, four numbers, windows and row. */
function holdOf(packed: Buffer | null) {
  const text = packed!.toString('latin1')
  const state = text.slice(0, text.indexOf('\0'))
  const number = (at: number) => packed!.readDoubleLE(state.length + 1 + 8 * at)
  if (state !== 'active') return { state, amount: 0, epoch: number(2), windows: [], n: number(3) }
  const [windows] = text.slice(state.length + 1 + 4 * 8).split('\0')
  return { state, amount: number(1), epoch: number(3), windows: JSON.parse(windows!) as string[], n: 0 }
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}
