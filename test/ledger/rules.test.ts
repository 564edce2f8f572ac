import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { availableOf, deficitOf, remainingOf } from '../../credits/balance.ts'
import { chargeId } from '../../credits/charge-id.ts'
import { type Micro, toMicro, zero } from '../../credits/money.ts'
import { noQuantities, rowKey } from '../../credits/usage-row.ts'
import { accountKeys, shardOf } from '../../ledger/keys.ts'
import type { AccountSnapshot, ChargeRequest, ReserveRequest, SettleRequest } from '../../ledger/ledger.ts'
import { type GivenLedger, detailOf, givenLedger, quantities, row, termsOf } from './given.ts'

const minute = 60_000
let given: GivenLedger
let number = 0
let account: string

beforeAll(async () => {
  given = await givenLedger()
})
afterAll(() => given.stop())

function newAccount(): string {
  number += 1
  account = `rules-${number}`
  return account
}

const micro = (amount: number): Micro => toMicro(amount)
const reserveOf = (key: string, amount: number, change: Partial<ReserveRequest> = {}): ReserveRequest => ({
  accountId: account,
  id: given.mint(key),
  amount: micro(amount),
  minimum: micro(amount),
  ttlMs: minute,
  row,
  levels: [],
  ...change,
})
const settleOf = (id: string, actual: number, change: Partial<SettleRequest> = {}): SettleRequest => ({
  accountId: account,
  id,
  actual: micro(actual),
  row,
  quantities,
  levels: [],
  detail: detailOf(1),
  ...change,
})
const chargeOf = (id: string, actual: number, change: Partial<ChargeRequest> = {}): ChargeRequest => ({
  ...settleOf(id, actual),
  accepted: false,
  ...change,
})

async function reserved(key: string, amount: number, change: Partial<ReserveRequest> = {}): Promise<string> {
  const request = reserveOf(key, amount, change)
  const answer = await given.ledger.reserve(request)
  expect(answer.status).toBe('created')
  return request.id
}

async function drain(): Promise<void> {
  const shard = shardOf(account)
  expect(await given.ledger.ackReceipts(shard, await given.ledger.receipts(shard, 1_000))).toBe('acked')
}

async function snapshotOf(accountId = account): Promise<AccountSnapshot> {
  const answer = await given.ledger.snapshot(accountId)
  if (answer.status !== 'loaded') throw new Error(`${accountId} is not loaded`)
  return answer
}

async function receiptsOfAccount() {
  const all = await given.ledger.receipts(shardOf(account), 1_000)
  return all.map(({ receipt }) => receipt).filter(({ accountId }) => accountId === account)
}

describe('ids', () => {
  test('an id from before the account was loaded is looked up, though it is young: its tombstone died with the last life', async () => {
    newAccount()
    const before = given.mint('early')
    await given.load(account, { granted: micro(100) })
    expect(await given.ledger.settle(settleOf(before, 10))).toMatchObject({ status: 'ask_journal', lineage: 1 })
  })

  test('an id born later than clocks may differ is looked up, and so never forgotten too soon', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const future = chargeId(given.clock.nowMs() + 2 * minute, 'future')
    expect(await given.ledger.reserve(reserveOf('', 1, { id: future }))).toMatchObject({ status: 'ask_journal' })
  })

  test('evidence of another lineage, or gone stale, or from the future, is asked for again', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const old = chargeId(given.clock.nowMs() - 60 * minute, 'old')
    const nowMs = given.clock.nowMs()
    for (const evidence of [
      { lineage: 2, nowMs, found: null },
      { lineage: 1, nowMs: nowMs - 5 * minute, found: null },
      { lineage: 1, nowMs: nowMs + 1, found: null },
    ]) {
      expect(await given.ledger.settle(settleOf(old, 10), evidence)).toMatchObject({ status: 'ask_journal' })
    }
    expect(await given.ledger.settle(settleOf(old, 10), { lineage: 1, nowMs, found: null })).toMatchObject({
      status: 'settled',
      charged: 10,
    })
  })

  test('a settle a week later is not charged twice: the journal knows it', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = await reserved('week', 20)
    await given.ledger.settle(settleOf(id, 15))
    const [receipt] = await receiptsOfAccount()
    await drain()
    await given.clock.advance(7 * 24 * 60 * minute)
    const asked = await given.ledger.settle(settleOf(id, 15))
    if (asked.status !== 'ask_journal') throw new Error(asked.status)
    expect(await given.ledger.settle(settleOf(id, 15), { ...asked, found: receipt! })).toEqual({
      status: 'exists',
      charged: 15,
      uncollected: 0,
      epoch: 1,
    })
    expect((await snapshotOf()).spent).toBe(15)
  })

  test('a tombstone outlives a journal that lags longer than the tombstone time', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = await reserved('lag', 20)
    await given.ledger.settle(settleOf(id, 15))
    await given.clock.advance(60 * minute)
    expect(await given.ledger.settle(settleOf(id, 15))).toMatchObject({ status: 'exists', charged: 15 })
  })

  test("an expiry's receipt does not start the clock of the settlement that followed", async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = await reserved('two', 20)
    await given.ledger.extend({ accountId: account, id, accrued: micro(5), more: zero, ttlMs: 1 })
    await given.clock.advance(10)
    await given.ledger.expire({ accountId: account, id })
    const shard = shardOf(account)
    const expiry = await given.ledger.receipts(shard, 1)
    await given.ledger.settle(settleOf(id, 15))
    await given.ledger.ackReceipts(shard, expiry)
    await given.clock.advance(30 * minute)
    expect(await given.ledger.settle(settleOf(id, 15))).toMatchObject({ status: 'exists', charged: 15 })
  })

  test("a settlement after an expiry is remembered, though the clock of the expiry's receipt was running", async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = await reserved('kept', 20)
    await given.ledger.extend({ accountId: account, id, accrued: micro(5), more: zero, ttlMs: 1 })
    await given.clock.advance(10)
    await given.ledger.expire({ accountId: account, id })
    await drain()
    await given.ledger.settle(settleOf(id, 15))
    await given.clock.advance(30 * minute)
    expect(await given.ledger.settle(settleOf(id, 15))).toMatchObject({ status: 'exists', charged: 15 })
  })

  test('a clock that jumps ahead and back does not make the ledger forget what it settled', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = await reserved('jump', 20)
    await given.ledger.settle(settleOf(id, 15))
    await drain()
    const now = given.clock.nowMs()
    await given.clock.advance(60 * minute)
    await given.ledger.pending([shardOf(account)], { dirtyOlderThanMs: 0, perShard: 1 })
    await given.clock.set(now)
    expect(await given.ledger.settle(settleOf(id, 15))).toMatchObject({ status: 'ask_journal' })
  })

  test('a clock that was behind and jumps forward does not forget young ids', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const young = chargeId(given.clock.nowMs() + 60 * minute, 'young')
    const evidence = { lineage: 1, nowMs: given.clock.nowMs(), found: null }
    expect(await given.ledger.charge(chargeOf(young, 15), evidence)).toMatchObject({ status: 'settled' })
    await drain()
    await given.clock.advance(60 * minute)
    expect(await given.ledger.charge(chargeOf(young, 15))).toMatchObject({ status: 'exists', charged: 15 })
  })

  test('the same id with another amount is a bug of the caller, and told so', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = await reserved('same', 20)
    expect(await given.ledger.reserve(reserveOf('', 20, { id }))).toMatchObject({ status: 'exists', held: 20 })
    expect(await given.ledger.reserve(reserveOf('', 21, { id }))).toEqual({
      status: 'exists_with_different_amount',
      held: 20,
    })
    const once = given.mint('once')
    await given.ledger.charge(chargeOf(once, 5))
    expect(await given.ledger.charge(chargeOf(once, 5))).toMatchObject({ status: 'exists', charged: 5 })
    expect(await given.ledger.charge(chargeOf(once, 6))).toMatchObject({ status: 'exists_with_different_amount' })
  })

  test('an id is answered for an account that is away as long as its tombstone lives', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = await reserved('away', 20)
    await given.ledger.settle(settleOf(id, 15))
    await given.redis.del(accountKeys(account).account)
    expect(await given.ledger.settle(settleOf(id, 15))).toMatchObject({ status: 'exists' })
    expect(await given.ledger.settle(settleOf(given.mint('other'), 1))).toEqual({ status: 'account_not_loaded' })
    for (const answer of [
      await given.ledger.reserve(reserveOf('other', 1)),
      await given.ledger.charge(chargeOf(given.mint('other'), 1)),
      await given.ledger.release({ accountId: account, id: given.mint('other') }),
      await given.ledger.putTerms(account, termsOf({ version: 2 })),
      await given.ledger.closeEpoch(account, 1, 1),
      await given.ledger.read(account),
      await given.ledger.snapshot(account),
    ]) {
      expect(answer).toEqual({ status: 'account_not_loaded' })
    }
    await given.redis.del(accountKeys(account).receipts)
  })
})

test('a hold whose account has vanished is neither extended nor expired', async () => {
  await given.load(newAccount(), { granted: micro(100) })
  const id = await reserved('orphan', 20, { ttlMs: 1 })
  await given.clock.advance(10)
  await given.redis.del(accountKeys(account).account)
  const more = { accountId: account, id, accrued: zero, more: zero, ttlMs: minute }
  expect(await given.ledger.extend(more)).toEqual({ status: 'account_not_loaded' })
  expect(await given.ledger.expire({ accountId: account, id })).toEqual({ status: 'account_not_loaded' })
})

describe('reserve', () => {
  test.each([
    { granted: 100, amount: 30, minimum: 10, answer: { status: 'created', held: 30 } },
    { granted: 20, amount: 30, minimum: 10, answer: { status: 'created', held: 20 } },
    { granted: 9, amount: 30, minimum: 10, answer: { status: 'insufficient_credits', available: 9 } },
    { granted: 0, amount: 30, minimum: 0, answer: { status: 'insufficient_credits', available: 0 } },
    { granted: 0, amount: 0, minimum: 0, answer: { status: 'created', held: 0 } },
  ])('of $amount, at least $minimum, with $granted: $answer.status', async ({ granted, amount, minimum, answer }) => {
    await given.load(newAccount(), { granted: micro(granted) })
    expect(await given.ledger.reserve(reserveOf('one', amount, { minimum: micro(minimum) }))).toMatchObject(answer)
  })

  test('when only holds stand in the way the answer is insufficient, never depleted', async () => {
    const strict = await givenLedger({ depletedBelow: micro(10) })
    try {
      await strict.load(newAccount(), { granted: micro(30) })
      const request = (key: string, amount: number) => ({ ...reserveOf(key, amount), id: strict.mint(key) })
      expect(await strict.ledger.reserve(request('all', 30))).toMatchObject({ status: 'created' })
      expect(await strict.ledger.reserve(request('more', 5))).toEqual({ status: 'insufficient_credits', available: 0 })
      await strict.ledger.settle(settleOf(strict.mint('all'), 21))
      expect(await strict.ledger.reserve(request('last', 5))).toEqual({ status: 'credits_depleted' })
      expect(await strict.ledger.reserve(request('free', 0))).toMatchObject({ status: 'created', held: 0 })
    } finally {
      await strict.stop()
    }
  })

  test('a reserve whose reply was lost charges nothing when it expires', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = await reserved('lost', 40)
    expect(await given.ledger.expire({ accountId: account, id })).toEqual({ status: 'not_due' })
    await given.clock.advance(minute)
    expect(await given.ledger.expire({ accountId: account, id })).toEqual({ status: 'expired', charged: 0 })
    expect(await snapshotOf()).toMatchObject({ held: 0, spent: 0, n: 0 })
  })

  test('a reserve that arrives after it was given up is dead', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const late = reserveOf('late', 40)
    expect(await given.ledger.release({ accountId: account, id: late.id })).toEqual({ status: 'released' })
    expect(await given.ledger.reserve(late)).toEqual({ status: 'already_charged', charged: 0 })
    expect(await given.ledger.settle(settleOf(late.id, 5))).toMatchObject({ status: 'exists', charged: 0 })
  })

  test('all levels are asked in one script: one exhausted budget holds nothing anywhere', async () => {
    const budgets = [
      { level: 'employee:ada', limit: micro(50), window: 'day', atLimit: 'pause' },
      { level: 'organization:lab', limit: micro(10), window: 'month', atLimit: 'stop' },
    ] as const
    await given.load(newAccount(), { granted: micro(100), budgets })
    const levels = ['employee:ada', 'organization:lab']
    expect(await given.ledger.reserve(reserveOf('over', 20, { levels }))).toEqual({
      status: 'budget_exhausted',
      level: 'organization:lab',
      left: 10,
    })
    expect((await snapshotOf()).held).toBe(0)
    expect(await given.ledger.reserve(reserveOf('part', 20, { levels, minimum: micro(5) }))).toMatchObject({ held: 10 })
  })

  test.each([
    { atLimit: 'notify', reserve: 'created', extend: 'extended' },
    { atLimit: 'pause', reserve: 'budget_exhausted', extend: 'extended' },
    { atLimit: 'stop', reserve: 'budget_exhausted', extend: 'budget_exhausted' },
  ] as const)(
    'a budget that is to $atLimit: reserve $reserve, extend $extend',
    async ({ atLimit, reserve, extend }) => {
      await given.load(newAccount(), {
        granted: micro(100),
        budgets: [{ level: 'task:x', limit: micro(10), window: 'week', atLimit }],
      })
      const id = await reserved('fits', 10, { levels: ['task:x'] })
      expect(await given.ledger.reserve(reserveOf('next', 1, { levels: ['task:x'] }))).toMatchObject({
        status: reserve,
      })
      const more = { accountId: account, id, accrued: zero, more: micro(1), ttlMs: minute }
      expect(await given.ledger.extend(more)).toMatchObject({ status: extend, held: extend === 'extended' ? 11 : 10 })
    },
  )

  test('a limit set later finds what its level has spent this month', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    await given.ledger.charge(chargeOf(given.mint('before'), 8, { levels: ['employee:ada'] }))
    const budgets = [{ level: 'employee:ada', limit: micro(10), window: 'month', atLimit: 'pause' }] as const
    await given.ledger.putTerms(account, termsOf({ version: 2, granted: micro(100), budgets }))
    expect(await given.ledger.reserve(reserveOf('after', 5, { levels: ['employee:ada'] }))).toMatchObject({
      status: 'budget_exhausted',
      left: 2,
    })
  })

  test('a window that a clock ahead has opened outlives the end of a period: its time is yet to come', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const daily = [{ level: 'employee:ada', limit: micro(10), window: 'day', atLimit: 'pause' }] as const
    await given.ledger.putTerms(account, termsOf({ version: 2, granted: micro(100), budgets: daily }))
    const now = given.clock.nowMs()
    await given.ledger.charge(chargeOf(given.mint('today'), 3, { levels: ['employee:ada'] }))
    await given.clock.set(now + 24 * 60 * minute)
    await given.ledger.charge(chargeOf(given.mint('tomorrow'), 8, { levels: ['employee:ada'] }))
    await given.clock.set(now)
    const rolled = { epoch: 2, granted: micro(100), earlier: [{ epoch: 1, free: zero, counted: micro(11) }] }
    await given.ledger.putTerms(account, termsOf({ version: 3, ...rolled, budgets: daily }))
    await given.clock.set(now + 24 * 60 * minute)
    expect(await given.ledger.reserve(reserveOf('after', 5, { levels: ['employee:ada'] }))).toMatchObject({
      status: 'budget_exhausted',
      left: 2,
    })
    // Today's is over by then, and leaves with the next period
    await given.ledger.putTerms(account, termsOf({ version: 4, ...rolled, epoch: 3, budgets: daily }))
    const { budgets } = await snapshotOf()
    expect(budgets.map(({ spent }) => spent)).toEqual([8])
  })

  test('the exposure cap refuses new work until the journal has the old', async () => {
    const capped = await givenLedger({ exposureCap: micro(10) })
    try {
      await capped.load(newAccount(), { granted: micro(100) })
      await capped.ledger.charge({ ...chargeOf('', 10), id: capped.mint('big') })
      const next = { ...reserveOf('', 1), id: capped.mint('next') }
      expect(await capped.ledger.reserve(next)).toEqual({ status: 'backlogged' })
      const shard = shardOf(account)
      await capped.ledger.ackReceipts(shard, await capped.ledger.receipts(shard, 10))
      expect(await capped.ledger.reserve(next)).toMatchObject({ status: 'created' })
    } finally {
      await capped.stop()
    }
  })
})

describe('extend', () => {
  test('progress that arrives out of order takes nothing back', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = await reserved('order', 40)
    const progress = (accrued: number) => ({ accountId: account, id, accrued: micro(accrued), more: zero, ttlMs: 1 })
    await given.ledger.extend(progress(30))
    await given.ledger.extend(progress(20))
    await given.clock.advance(10)
    expect(await given.ledger.expire({ accountId: account, id })).toEqual({ status: 'expired', charged: 30 })
  })

  test('a refused slice still records progress and renews the deadline', async () => {
    await given.load(newAccount(), { granted: micro(40) })
    const id = await reserved('end', 40)
    await given.clock.advance(minute - 1)
    const last = { accountId: account, id, accrued: micro(38), more: micro(10), ttlMs: minute }
    expect(await given.ledger.extend(last)).toMatchObject({ status: 'insufficient_credits', held: 40, available: 0 })
    await given.clock.advance(minute - 1)
    expect(await given.ledger.expire({ accountId: account, id })).toEqual({ status: 'not_due' })
    await given.clock.advance(1)
    expect(await given.ledger.expire({ accountId: account, id })).toEqual({ status: 'expired', charged: 38 })
  })

  test('what is left is granted, though less than wanted', async () => {
    await given.load(newAccount(), { granted: micro(50) })
    const id = await reserved('rest', 40)
    const more = { accountId: account, id, accrued: zero, more: micro(30), ttlMs: minute }
    expect(await given.ledger.extend(more)).toEqual({ status: 'extended', held: 50 })
  })

  test('a finished hold is not extended', async () => {
    await given.load(newAccount(), { granted: micro(50) })
    const id = await reserved('done', 40)
    await given.ledger.settle(settleOf(id, 1))
    const more = { accountId: account, id, accrued: zero, more: micro(30), ttlMs: minute }
    expect(await given.ledger.extend(more)).toEqual({ status: 'hold_not_found' })
  })
})

describe('settle', () => {
  test('charges beyond the hold what is available, and records the rest as uncollected', async () => {
    await given.load(newAccount(), { granted: micro(50) })
    const id = await reserved('run over', 20)
    expect(await given.ledger.settle(settleOf(id, 70))).toEqual({
      status: 'settled',
      charged: 50,
      uncollected: 20,
      epoch: 1,
    })
    expect(await receiptsOfAccount()).toMatchObject([{ charged: 50, uncollected: 20, kind: 'settled', n: 1 }])
  })

  test('zero writes a receipt too: an outbox entry finds it', async () => {
    await given.load(newAccount(), { granted: micro(50) })
    await given.ledger.settle(settleOf(await reserved('nothing', 20), 0))
    expect(await receiptsOfAccount()).toMatchObject([{ charged: 0, uncollected: 0, quantities, detail: detailOf(1) }])
  })

  test.each([
    { accrued: 30, actual: 45, why: 'up' },
    { accrued: 30, actual: 10, why: 'down' },
    { accrued: 30, actual: 0, why: 'to nothing' },
    { accrued: 0, actual: 12, why: 'up from an expiry without a receipt' },
  ])('after an expiry at $accrued adjusts once to $actual: $why', async ({ accrued, actual }) => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = await reserved('late', 40, { levels: ['employee:ada'] })
    await given.ledger.extend({ accountId: account, id, accrued: micro(accrued), more: zero, ttlMs: 1 })
    await given.clock.advance(10)
    await given.ledger.expire({ accountId: account, id })
    expect(await given.ledger.settle(settleOf(id, actual))).toMatchObject({ status: 'settled', charged: actual })
    expect(await given.ledger.settle(settleOf(id, 99))).toMatchObject({ status: 'exists', charged: actual })
    const taken = await snapshotOf()
    expect(taken).toMatchObject({ spent: actual, held: 0 })
    expect(taken.epochs).toEqual([
      { epoch: 1, rows: { [rowKey(row)]: { ...quantities, charged: actual, uncollected: 0 } } },
    ])
    expect(taken.budgets).toMatchObject([{ level: 'employee:ada', spent: actual, held: 0 }])
    // Totals of the id, never deltas
    expect((await receiptsOfAccount()).at(-1)).toMatchObject({ kind: 'settled', charged: actual })
  })

  test('the row that has an expired charge takes its adjustment, though the settle names another', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = await reserved('other row', 40)
    await given.ledger.extend({ accountId: account, id, accrued: micro(30), more: zero, ttlMs: 1 })
    await given.clock.advance(10)
    await given.ledger.expire({ accountId: account, id })
    await given.ledger.settle(settleOf(id, 10, { row: { ...row, model: 'practice/large' } }))
    expect((await snapshotOf()).epochs).toMatchObject([{ epoch: 1, rows: { [rowKey(row)]: { charged: 10 } } }])
    expect((await receiptsOfAccount()).map((receipt) => receipt.row)).toEqual([rowKey(row), rowKey(row)])
  })

  test('found expired in the journal, it adjusts from those totals', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = chargeId(given.clock.nowMs() - 60 * minute, 'gone')
    const found = {
      kind: 'expired',
      charged: micro(30),
      uncollected: zero,
      quantities: noQuantities,
      epoch: 7,
      row: rowKey(row),
      windows: [],
    } as const
    const evidence = { lineage: 1, nowMs: given.clock.nowMs(), found }
    expect(await given.ledger.settle(settleOf(id, 10), evidence)).toEqual({
      status: 'settled',
      charged: 10,
      uncollected: 0,
      epoch: 1,
    })
    // The refund is booked in the current epoch, which had not seen the charge
    expect((await snapshotOf()).spent).toBe(-20)
    expect(await receiptsOfAccount()).toMatchObject([{ charged: 10, epoch: 1, calledIn: 7 }])
  })

  test('of a call whose ledger was lost draws on the credits in quarantine first', async () => {
    newAccount()
    await given.ledger.lock(account, 'q', minute)
    const terms = termsOf({ granted: micro(100) })
    const life = {
      accountId: account,
      token: 'q',
      lineage: 3,
      terms,
      epochs: [],
      budgets: [],
      held: micro(60),
      newestBirthMs: 0,
      journalNowMs: 0,
    }
    expect(await given.ledger.hydrate(life)).toEqual({ status: 'hydrated' })
    expect(availableOf(await snapshotOf())).toBe(40)
    const id = given.mint('survivor')
    const evidence = { lineage: 3, nowMs: given.clock.nowMs(), found: null }
    await given.ledger.charge(chargeOf(given.mint('other'), 40), evidence)
    expect(await given.ledger.settle(settleOf(id, 50), evidence)).toMatchObject({ charged: 50, uncollected: 0 })
    expect((await snapshotOf()).quarantine).toBe(10)
    await given.clock.advance(2 * minute)
    expect(await snapshotOf()).toMatchObject({ quarantine: 0 })
    expect(availableOf(await snapshotOf())).toBe(10)
  })

  test('after a release charges nothing', async () => {
    await given.load(newAccount(), { granted: micro(50) })
    const id = await reserved('given up', 20)
    await given.ledger.release({ accountId: account, id })
    expect(await given.ledger.settle(settleOf(id, 10))).toMatchObject({ status: 'exists', charged: 0 })
    expect(await snapshotOf()).toMatchObject({ held: 0, spent: 0, n: 0 })
  })
})

describe('charge', () => {
  test('is all or nothing', async () => {
    await given.load(newAccount(), { granted: micro(10) })
    expect(await given.ledger.charge(chargeOf(given.mint('big'), 11))).toEqual({
      status: 'insufficient_credits',
      available: 10,
    })
    expect(await given.ledger.charge(chargeOf(given.mint('fits'), 10))).toMatchObject({
      status: 'settled',
      charged: 10,
    })
  })

  test('accepted before a loss it is not refused after it', async () => {
    await given.load(newAccount(), { granted: micro(10) })
    expect(await given.ledger.charge(chargeOf(given.mint('again'), 15, { accepted: true }))).toMatchObject({
      status: 'settled',
      charged: 10,
      uncollected: 5,
    })
  })
})

describe('terms and periods', () => {
  test('older terms do not overspend: only a newer version counts', async () => {
    await given.load(newAccount(), { version: 5, granted: micro(10) })
    for (const [version, epoch] of [
      [4, 1],
      [5, 1],
      [6, 0],
    ] as const) {
      expect(await given.ledger.putTerms(account, termsOf({ version, epoch, granted: micro(99) }))).toEqual({
        status: 'older',
      })
    }
    expect(await given.ledger.putTerms(account, termsOf({ version: 6, granted: micro(99) }))).toEqual({ status: 'put' })
    expect((await snapshotOf()).granted).toBe(99)
  })

  test('a claw-back leaves a deficit that the next terms pay first', async () => {
    await given.load(newAccount(), { granted: micro(50) })
    await reserved('running', 40)
    await given.ledger.putTerms(account, termsOf({ version: 2, granted: micro(30) }))
    expect(await snapshotOf().then((one) => [availableOf(one), deficitOf(one)])).toEqual([0, 10])
    await given.ledger.putTerms(account, termsOf({ version: 3, granted: micro(45) }))
    expect(await snapshotOf().then((one) => [availableOf(one), deficitOf(one)])).toEqual([5, 0])
  })

  test('late charges of an old period meet carried credits once', async () => {
    // 100 of the period's own money, 50 that carry over
    await given.load(newAccount(), { granted: micro(150) })
    const id = await reserved('across', 120)
    // The workflow rolls over not knowing of the hold: the 50 are given out again, the ledger knows that 20 of them are held
    const rolled = termsOf({
      version: 2,
      epoch: 2,
      granted: micro(50),
      earlier: [{ epoch: 1, free: micro(100), counted: zero }],
    })
    await given.ledger.putTerms(account, rolled)
    expect(availableOf(await snapshotOf())).toBe(30)
    expect(remainingOf(await snapshotOf())).toBe(50)
    expect(await given.ledger.settle(settleOf(id, 110))).toEqual({
      status: 'settled',
      charged: 110,
      uncollected: 0,
      epoch: 1,
    })
    expect(availableOf(await snapshotOf())).toBe(40)
    // Now the workflow has counted it, and nothing changes
    await given.ledger.putTerms(
      account,
      termsOf({
        version: 3,
        epoch: 2,
        granted: micro(50),
        used: micro(10),
        earlier: [{ epoch: 1, free: micro(100), counted: micro(110) }],
      }),
    )
    expect(availableOf(await snapshotOf())).toBe(40)
  })

  test('a late refund in an old period gives carried credits back, though they were counted already', async () => {
    await given.load(newAccount(), { granted: micro(150) })
    const id = await reserved('refunded', 120)
    await given.ledger.extend({ accountId: account, id, accrued: micro(120), more: zero, ttlMs: 1 })
    await given.clock.advance(10)
    await given.ledger.expire({ accountId: account, id })
    const counted = { epoch: 1, free: micro(100), counted: micro(120) }
    await given.ledger.putTerms(
      account,
      termsOf({ version: 2, epoch: 2, granted: micro(50), used: micro(20), earlier: [counted] }),
    )
    expect(availableOf(await snapshotOf())).toBe(30)
    await given.ledger.settle(settleOf(id, 105))
    expect(availableOf(await snapshotOf())).toBe(45)
    expect(await given.ledger.reserve(reserveOf('all of it', 46, { minimum: zero }))).toMatchObject({ held: 45 })
  })

  test('a hold of an old period may use the money that did not carry over, and new work may not', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = await reserved('old', 20)
    await given.ledger.putTerms(
      account,
      termsOf({ version: 2, epoch: 2, granted: zero, earlier: [{ epoch: 1, free: micro(100), counted: zero }] }),
    )
    expect(await given.ledger.reserve(reserveOf('new', 5))).toMatchObject({ status: 'insufficient_credits' })
    const more = { accountId: account, id, accrued: zero, more: micro(30), ttlMs: minute }
    expect(await given.ledger.extend(more)).toEqual({ status: 'extended', held: 50 })
    expect(await given.ledger.settle(settleOf(id, 90))).toMatchObject({ charged: 90, uncollected: 0, epoch: 1 })
  })

  test('a period leaves Redis only when nothing of it moves any more; its late charges go into the current one', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = await reserved('old', 20)
    const rolled = (counted: number, version: number) =>
      termsOf({
        version,
        epoch: 2,
        granted: micro(100),
        earlier: [{ epoch: 1, free: micro(100), counted: micro(counted) }],
      })
    await given.ledger.putTerms(account, rolled(0, 2))
    const close = () => given.ledger.closeEpoch(account, 1, 1)
    expect(await close()).toEqual({ status: 'open' })
    await given.ledger.settle(settleOf(id, 15))
    expect(await close()).toEqual({ status: 'open' })
    await drain()
    expect(await close()).toEqual({ status: 'open' })
    await given.ledger.ackRows(account, 1, (await snapshotOf()).seq)
    expect(await close()).toEqual({ status: 'open' })
    await given.ledger.putTerms(account, rolled(15, 3))
    expect(await given.ledger.closeEpoch(account, 9, 1)).toEqual({ status: 'open' })
    expect(await close()).toEqual({ status: 'closed' })
    expect(await close()).toEqual({ status: 'absent' })
    expect((await snapshotOf()).epochs).toEqual([{ epoch: 2, rows: {} }])
    const began = { epoch: 1, windows: [] }
    expect(await given.ledger.settle(settleOf(given.mint('late'), 5, { began }))).toMatchObject({
      charged: 5,
      epoch: 2,
    })
    expect(await receiptsOfAccount()).toMatchObject([{ epoch: 2, calledIn: 1 }])
  })

  test('a closed period that a rollback brought back is not counted twice, and leaves Redis again', async () => {
    await given.load(newAccount(), { granted: micro(150) })
    await given.ledger.charge(chargeOf(given.mint('before'), 110))
    // As it was before the rollback's moment: the workflow had counted 100 of the 110
    const counted = { epoch: 1, free: micro(100), counted: micro(100) }
    await given.ledger.putTerms(account, termsOf({ version: 2, epoch: 2, granted: micro(150), earlier: [counted] }))
    // The workflow has closed it since: its 10 beyond its own money are in `used`, and the terms do not name it
    const closed = (version: number, used: number) =>
      termsOf({ version, epoch: 2, granted: micro(150), used: micro(used) })
    await given.ledger.putTerms(account, closed(3, 10))
    expect(availableOf(await snapshotOf())).toBe(140)

    // A late charge of it counts beyond that, until the archive has it too
    const late = { began: { epoch: 1, windows: [] } }
    expect(await given.ledger.settle(settleOf(given.mint('late'), 5, late))).toMatchObject({ charged: 5, epoch: 1 })
    expect(availableOf(await snapshotOf())).toBe(135)
    await drain()
    await given.ledger.ackRows(account, 1, (await snapshotOf()).seq)
    expect(await given.ledger.closeEpoch(account, 1, 1)).toEqual({ status: 'open' })
    await given.ledger.putTerms(account, closed(4, 15))
    expect(availableOf(await snapshotOf())).toBe(135)
    expect(await given.ledger.closeEpoch(account, 1, 1)).toEqual({ status: 'closed' })
    expect(availableOf(await snapshotOf())).toBe(135)
  })

  test('what was booked in a closed period that came back is missing twice, until it leaves with all of it in its archive', async () => {
    await given.load(newAccount(), { granted: micro(150) })
    await given.ledger.charge(chargeOf(given.mint('before'), 110))
    // The 15 were booked before Redis went back, and are in `used`
    await given.ledger.putTerms(account, termsOf({ version: 2, epoch: 2, granted: micro(150), used: micro(25) }))
    await given.ledger.settle(settleOf(given.mint('again'), 15, { began: { epoch: 1, windows: [] } }))
    expect(availableOf(await snapshotOf())).toBe(110)
    const { n } = await snapshotOf()
    expect(await given.ledger.closeEpoch(account, 1, 1, n)).toEqual({ status: 'open' })
    await drain()
    await given.ledger.ackRows(account, 1, (await snapshotOf()).seq)
    expect(await given.ledger.closeEpoch(account, 1, 1)).toEqual({ status: 'open' })
    // Something was booked since the archive was compared
    expect(await given.ledger.closeEpoch(account, 1, 1, n - 1)).toEqual({ status: 'open' })
    expect(await given.ledger.closeEpoch(account, 1, 1, n)).toEqual({ status: 'closed' })
    expect(availableOf(await snapshotOf())).toBe(125)
  })

  describe('free work holds nothing, so its period may leave Redis under it', () => {
    let id: string
    const name = () => ({ accountId: account, id })
    const past = async (change: Partial<ReserveRequest> = {}, accrued = 0): Promise<void> => {
      await given.load(newAccount(), { granted: micro(100) })
      id = await reserved('free', 0, { levels: ['employee:ada'], ...change })
      await given.ledger.extend({ ...name(), accrued: micro(accrued), more: zero, ttlMs: change.ttlMs ?? minute })
      await given.ledger.putTerms(account, termsOf({ version: 2, epoch: 2, granted: micro(100) }))
      await given.ledger.ackRows(account, 1, (await snapshotOf()).seq)
      expect(await given.ledger.closeEpoch(account, 1, 1)).toEqual({ status: 'closed' })
    }

    test('settled, it is booked in the current period', async () => {
      await past()
      expect(await given.ledger.settle(settleOf(id, 5))).toEqual({
        status: 'settled',
        charged: 5,
        uncollected: 0,
        epoch: 2,
      })
      expect(await receiptsOfAccount()).toMatchObject([{ epoch: 2, calledIn: 1, charged: 5 }])
      expect(await snapshotOf()).toMatchObject({ spent: 5, held: 0 })
    })

    test('released, it leaves nothing', async () => {
      await past()
      expect(await given.ledger.release(name())).toEqual({ status: 'released' })
      expect(await snapshotOf()).toMatchObject({ spent: 0, held: 0 })
    })

    test('expired, what it accrued is booked in the current period, and so is what its settlement adjusts later', async () => {
      await past({ ttlMs: 1 }, 8)
      await given.clock.advance(10)
      expect(await given.ledger.expire(name())).toEqual({ status: 'expired', charged: 8 })
      const earlier = [{ epoch: 2, free: micro(8), counted: zero }]
      await given.ledger.putTerms(account, termsOf({ version: 3, epoch: 3, granted: micro(100), earlier }))
      expect(await given.ledger.settle(settleOf(id, 5))).toMatchObject({ status: 'settled', charged: 5, epoch: 2 })
      expect(await snapshotOf()).toMatchObject({ spent: 0, earlier: [{ epoch: 2, spent: 5, held: 0 }] })
    })

    test('expired with nothing accrued, it is over', async () => {
      await past({ ttlMs: 1 })
      await given.clock.advance(10)
      expect(await given.ledger.expire(name())).toEqual({ status: 'expired', charged: 0 })
      expect(await snapshotOf()).toMatchObject({ spent: 0, held: 0 })
    })

    test('extended, it holds credits of the current period, which its settlement gives back', async () => {
      await past()
      const more = { ...name(), accrued: micro(3), more: micro(10), ttlMs: minute }
      expect(await given.ledger.extend(more)).toEqual({ status: 'extended', held: 10 })
      expect(await snapshotOf()).toMatchObject({ held: 10, budgets: [{ held: 10 }] })
      expect(await given.ledger.settle(settleOf(id, 4))).toMatchObject({ status: 'settled', charged: 4, epoch: 2 })
      expect(await snapshotOf()).toMatchObject({ spent: 4, held: 0, budgets: [{ spent: 4, held: 0 }] })
    })
  })

  test('a period in which nothing but a refund of an earlier one was booked leaves Redis too', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = given.mint('refunded')
    const found = {
      kind: 'expired',
      charged: micro(30),
      uncollected: zero,
      quantities: noQuantities,
      epoch: 1,
      row: rowKey(row),
      windows: [],
    } as const
    await given.ledger.putTerms(account, termsOf({ version: 2, epoch: 2, granted: micro(100) }))
    await given.ledger.ackRows(account, 1, (await snapshotOf()).seq)
    expect(await given.ledger.closeEpoch(account, 1, 1)).toEqual({ status: 'closed' })
    await given.ledger.settle(settleOf(id, 10), { lineage: 1, nowMs: given.clock.nowMs(), found })
    expect(await snapshotOf()).toMatchObject({ epoch: 2, spent: -20 })
    const earlier = [{ epoch: 2, free: zero, counted: zero }]
    await given.ledger.putTerms(account, termsOf({ version: 3, epoch: 3, granted: micro(100), earlier }))
    await drain()
    await given.ledger.ackRows(account, 1, (await snapshotOf()).seq)
    expect(await given.ledger.closeEpoch(account, 1, 2)).toEqual({ status: 'closed' })
  })

  test('a settle that an outbox replays is booked in the period of its call while Redis holds that', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    const id = given.mint('lost hold')
    await given.ledger.putTerms(
      account,
      termsOf({ version: 2, epoch: 2, granted: zero, earlier: [{ epoch: 1, free: micro(100), counted: zero }] }),
    )
    const began = { epoch: 1, windows: ['employee:ada|all'] }
    expect(await given.ledger.settle(settleOf(id, 5, { began }))).toMatchObject({
      charged: 5,
      uncollected: 0,
      epoch: 1,
    })
  })
})

describe('reconcile', () => {
  const dirtyNow = async (dirtyOlderThanMs: number): Promise<boolean> => {
    const [shard] = await given.ledger.pending([shardOf(account)], { dirtyOlderThanMs, perShard: 1_000 })
    return shard!.dirty.includes(account)
  }

  test('an account stays dirty until the workflow has taken the rows: a reconciler killed in between loses nothing', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    await given.ledger.ackRows(account, 1, 1)
    expect(await dirtyNow(0)).toBe(false)
    await given.ledger.charge(chargeOf(given.mint('one'), 5))
    const { seq } = await snapshotOf()
    expect(await dirtyNow(0)).toBe(true)
    await given.ledger.charge(chargeOf(given.mint('two'), 5))
    await given.ledger.ackRows(account, 1, seq)
    expect(await dirtyNow(0)).toBe(true)
    await given.ledger.ackRows(account, 1, seq + 1)
    expect(await dirtyNow(0)).toBe(false)
  })

  test('crossing an alert threshold hurries reconciliation, once', async () => {
    await given.load(newAccount(), { granted: micro(100), alertsAt: [micro(50), micro(10)] })
    const old = 10 * minute
    await given.ledger.charge(chargeOf(given.mint('above'), 49))
    expect(await dirtyNow(old)).toBe(false)
    await given.ledger.charge(chargeOf(given.mint('at'), 1))
    expect(await dirtyNow(old)).toBe(true)
    await given.ledger.ackRows(account, 1, (await snapshotOf()).seq)
    await given.ledger.charge(chargeOf(given.mint('below'), 1))
    expect(await dirtyNow(old)).toBe(false)
  })
})

describe('drain', () => {
  test('a drainer that outlived a failover trims nothing that it has not stored', async () => {
    await given.load(newAccount(), { granted: micro(100) })
    for (const key of ['a', 'b', 'c']) await given.ledger.charge(chargeOf(given.mint(key), 1))
    const shard = shardOf(account)
    const head = await given.ledger.receipts(shard, 2)
    const [first, second] = head
    const forged = [first!, { ...second!, receipt: { ...second!.receipt, n: 9 } }]
    expect(await given.ledger.ackReceipts(shard, forged)).toBe('head_moved')
    expect(await given.ledger.ackReceipts(shard, [second!])).toBe('head_moved')
    expect(await given.ledger.receipts(shard, 9)).toHaveLength(3)
    expect(await given.ledger.ackReceipts(shard, head)).toBe('acked')
    expect(await given.ledger.ackReceipts(shard, head)).toBe('head_moved')
    expect(await snapshotOf()).toMatchObject({ n: 3, drained: 2 })
  })
})

describe('hydrate', () => {
  test('a hydrate that comes late writes nothing', async () => {
    newAccount()
    const life = {
      accountId: account,
      token: 'first',
      lineage: 1,
      terms: termsOf({ granted: micro(9) }),
      epochs: [],
      budgets: [],
      held: zero,
      newestBirthMs: 0,
      journalNowMs: 0,
    }
    expect(await given.ledger.hydrate(life)).toEqual({ status: 'lock_lost' })
    expect(await given.ledger.lock(account, 'first', minute)).toBe(true)
    expect(await given.ledger.lock(account, 'second', minute)).toBe(false)
    expect(await given.ledger.hydrate({ ...life, token: 'second' })).toEqual({ status: 'lock_lost' })
    expect(await given.ledger.hydrate(life)).toEqual({ status: 'hydrated' })
    await given.ledger.charge(chargeOf(given.mint('spent'), 5), { lineage: 1, nowMs: given.clock.nowMs(), found: null })
    expect(await given.ledger.hydrate(life)).toEqual({ status: 'present' })
    expect(await snapshotOf()).toMatchObject({ spent: 5 })
  })

  describe('an id born ahead of the clock of Redis', () => {
    const hydratedKnowing = async (newestBirthMs: number, journalNowMs = 0): Promise<void> => {
      newAccount()
      await given.ledger.lock(account, 'x', minute)
      const life = { accountId: account, token: 'x', lineage: 1, terms: termsOf({ granted: micro(50) }), epochs: [] }
      const hydration = { ...life, budgets: [], held: zero, newestBirthMs, journalNowMs }
      expect(await given.ledger.hydrate(hydration)).toEqual({ status: 'hydrated' })
    }

    test('that was charged before a loss is not charged again unasked', async () => {
      const bornMs = given.clock.nowMs() + minute
      await hydratedKnowing(bornMs)
      for (let passed = 0; passed < 3; passed += 1) {
        expect(await given.ledger.charge(chargeOf(chargeId(bornMs, 'ahead'), 5))).toMatchObject({
          status: 'ask_journal',
        })
        await given.clock.advance(minute)
      }
      expect(await given.ledger.charge(chargeOf(given.mint('younger'), 5))).toMatchObject({ status: 'settled' })
    })

    test('that is far ahead, because Redis was lost while its clock was behind, is asked about as far as the journal has come', async () => {
      const journalNowMs = given.clock.nowMs() + 60 * minute
      const bornMs = journalNowMs - minute
      await hydratedKnowing(bornMs, journalNowMs)
      await given.clock.advance(60 * minute)
      expect(await given.ledger.charge(chargeOf(chargeId(bornMs, 'behind'), 5))).toMatchObject({
        status: 'ask_journal',
      })
    })

    test('that is far ahead does not make an account ask for ever', async () => {
      await hydratedKnowing(given.clock.nowMs() + 400 * 24 * 60 * minute)
      expect(await given.ledger.charge(chargeOf(given.mint('now'), 5))).toMatchObject({ status: 'ask_journal' })
      await given.clock.advance(11 * minute)
      expect(await given.ledger.charge(chargeOf(given.mint('later'), 5))).toMatchObject({ status: 'settled' })
    })

    test.each([Number.NaN, -1, 1.5])('is a whole number of ms: %d is refused', async (newestBirthMs) => {
      await expect(hydratedKnowing(newestBirthMs)).rejects.toThrow(/whole number/)
      expect(await given.ledger.read(account)).toEqual({ status: 'account_not_loaded' })
    })
  })

  test('a lock is given back by its holder only', async () => {
    newAccount()
    await given.ledger.lock(account, 'first', minute)
    await given.ledger.unlock(account, 'second')
    expect(await given.ledger.lock(account, 'second', minute)).toBe(false)
    await given.ledger.unlock(account, 'first')
    expect(await given.ledger.lock(account, 'second', minute)).toBe(true)
  })

  test('a budget window that has only a refund does not keep the account from being loaded', async () => {
    newAccount()
    await given.ledger.lock(account, 'x', minute)
    const hydration = {
      accountId: account,
      token: 'x',
      lineage: 1,
      terms: termsOf({ granted: micro(50) }),
      epochs: [],
      held: zero,
      newestBirthMs: 0,
      journalNowMs: 0,
    }
    const budgets = [{ level: 'employee:ada', window: 'm202601', spent: -20 }]
    expect(await given.ledger.hydrate({ ...hydration, budgets })).toEqual({ status: 'hydrated' })
    expect((await snapshotOf()).budgets).toMatchObject([{ level: 'employee:ada', spent: 0 }])
  })

  test("the journal's totals are what the account has spent, by row and by budget", async () => {
    newAccount()
    await given.ledger.lock(account, 'x', minute)
    const totals = { ...quantities, charged: micro(12), uncollected: micro(3) }
    await given.ledger.hydrate({
      accountId: account,
      token: 'x',
      lineage: 4,
      terms: termsOf({ epoch: 2, granted: micro(50), earlier: [{ epoch: 1, free: micro(5), counted: micro(7) }] }),
      epochs: [
        { epoch: 1, rows: { [rowKey(row)]: { ...totals, charged: micro(7) } } },
        { epoch: 2, rows: { [rowKey(row)]: totals, [rowKey({ ...row, employee: 'bob' })]: totals } },
      ],
      budgets: [{ level: 'employee:ada', window: 'm202601', spent: micro(12) }],
      held: zero,
      newestBirthMs: 0,
      journalNowMs: 0,
    })
    expect(await snapshotOf()).toMatchObject({
      lineage: 4,
      seq: 1,
      spent: 24,
      earlier: [{ epoch: 1, spent: 7, held: 0, free: 5, counted: 7 }],
      epochs: [
        { epoch: 1, rows: { [rowKey(row)]: { charged: 7 } } },
        { epoch: 2, rows: { [rowKey(row)]: totals } },
      ],
      budgets: [{ level: 'employee:ada', window: 'm202601', spent: 12, held: 0 }],
    })
  })
})
