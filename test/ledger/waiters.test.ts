import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { toMicro, zero } from '../../credits/money.ts'
import { accountKeys, shardOf } from '../../ledger/keys.ts'
import { type GivenLedger, givenLedger, row, termsOf } from './given.ts'

let given: GivenLedger
let accounts = 0
let accountId: string

beforeAll(async () => {
  given = await givenLedger({ depletedBelow: toMicro(10) })
})
afterAll(() => given.stop())
beforeEach(async () => {
  accountId = `waiting-${(accounts += 1)}`
  await given.load(accountId, { granted: toMicro(5) })
})

const wait = async (waiter: string, need = 100): Promise<string> =>
  (await given.ledger.wait({ accountId, waiter, need: toMicro(need) })).status

async function pop(most = 10): Promise<readonly string[]> {
  const answer = await given.ledger.popWaiters(accountId, most)
  if (answer.status !== 'popped') throw new Error(answer.status)
  return answer.waiters
}

const grant = (total: number, version: number) =>
  given.ledger.putTerms(accountId, termsOf({ granted: toMicro(total), version }))

async function isWakeable(): Promise<boolean> {
  const shards = await given.ledger.pending([shardOf(accountId)], { dirtyOlderThanMs: 0, perShard: 100 })
  return shards.some(({ wakeable }) => wakeable.includes(accountId))
}

test('who is refused waits until terms bring enough, oldest first, as many as they feed', async () => {
  for (const waiter of ['first', 'second', 'third']) {
    expect(await wait(waiter)).toBe('waiting')
    await given.clock.advance(1_000)
  }
  expect(await isWakeable()).toBe(false)
  expect(await pop()).toEqual([])
  await grant(255, 2)
  expect(await isWakeable()).toBe(true)
  expect(await pop()).toEqual(['first', 'second'])
  expect(await isWakeable()).toBe(false)
  await grant(400, 3)
  expect(await pop()).toEqual(['third'])
  await grant(500, 4)
  expect(await isWakeable()).toBe(false)
})

test('one who needs more than there is keeps those behind waiting', async () => {
  await wait('large', 1_000)
  await given.clock.advance(1_000)
  await wait('small', 10)
  await grant(500, 2)
  expect(await pop()).toEqual([])
  await grant(1_010, 3)
  expect(await pop()).toEqual(['large', 'small'])
})

test('who asks again keeps its place, and its need is the last one', async () => {
  await wait('first', 300)
  await given.clock.advance(1_000)
  await wait('second')
  await given.clock.advance(1_000)
  await wait('first', 50)
  await grant(160, 2)
  expect(await pop()).toEqual(['first', 'second'])
})

test('credits that came between refusal and registration are heard of at once, and nothing stays registered', async () => {
  await wait('run')
  await grant(500, 2)
  expect(await wait('run')).toBe('ready')
  expect(await pop()).toEqual([])
})

test('less than the policy calls something is not enough, however small the need', async () => {
  await grant(9, 2)
  expect(await wait('run', 1)).toBe('waiting')
  await grant(10, 3)
  expect(await wait('run', 1)).toBe('ready')
})

test('what others hold is not there to be woken for', async () => {
  await wait('run')
  await grant(500, 2)
  const call = {
    accountId,
    id: given.mint('held'),
    amount: toMicro(450),
    minimum: toMicro(1),
    ttlMs: 60_000,
    row,
    levels: [],
  }
  expect(await given.ledger.reserve(call)).toMatchObject({ status: 'created' })
  expect(await pop()).toEqual([])
})

test('more than a page are looked at again a little later', async () => {
  for (const waiter of ['a', 'b', 'c']) await wait(waiter, 1)
  await grant(500, 2)
  expect(await pop(2)).toEqual(['a', 'b'])
  expect(await isWakeable()).toBe(false)
  await given.clock.advance(5_000)
  expect(await isWakeable()).toBe(true)
  expect(await pop(2)).toEqual(['c'])
  expect(await isWakeable()).toBe(false)
})

test('who stops waiting is not woken', async () => {
  await wait('run')
  await given.ledger.stopWaiting(accountId, 'run')
  await grant(500, 2)
  expect(await isWakeable()).toBe(false)
  expect(await pop()).toEqual([])
})

test('an account with parked runs does not leave Redis', async () => {
  await given.ledger.ackRows(accountId, 1, 1)
  const reading = async () => {
    const answer = await given.ledger.snapshot(accountId)
    if (answer.status !== 'loaded') throw new Error(answer.status)
    return answer
  }
  await wait('run')
  expect(await given.ledger.evict(accountId, await reading())).toEqual({ status: 'in_use' })
  await given.ledger.stopWaiting(accountId, 'run')
  expect(await given.ledger.evict(accountId, await reading())).toEqual({ status: 'evicted' })
  expect(await given.ledger.wait({ accountId, waiter: 'run', need: zero })).toEqual({ status: 'account_not_loaded' })
  expect(await given.ledger.popWaiters(accountId, 1)).toEqual({ status: 'account_not_loaded' })
  expect(await given.redis.exists(accountKeys(accountId).waiters, accountKeys(accountId).needs)).toBe(0)
})

test('waiting moves no money', async () => {
  const before = await given.ledger.read(accountId)
  await wait('run')
  await pop()
  expect(await given.ledger.read(accountId)).toMatchObject({ ...before, nowMs: expect.anything() as number })
})
