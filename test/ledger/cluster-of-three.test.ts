import slotOf from 'cluster-key-slot'
import type { Cluster } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { zero } from '../../credits/money.ts'
import { accountKeys, shardOf } from '../../ledger/keys.ts'
import { type Ledger, LedgerUnavailable, createLedger } from '../../ledger/ledger.ts'
import { openRedis } from '../../ledger/open-redis.ts'
import { createRememberedAnswers } from '../../ledger/remembered-answers.ts'
import { createUndrainedReceipts } from '../../ledger/undrained-receipts.ts'
import { createReceiptTail } from '../../ledger/watch-receipts.ts'
import { type RunningCluster, startCluster } from '../stack/cluster.ts'
import { until } from '../stack/until.ts'
import { everyOperation } from './every-operation.ts'
import { type LoadedAccount, loadAccount } from './loaded-account.ts'

let three: RunningCluster
let cluster: Cluster
let ledger: Ledger

beforeAll(async () => {
  three = await startCluster()
  const opened = await openRedis(three.nodes[1]!.url)
  cluster = opened.redis as Cluster
  ledger = createLedger(cluster, { depletedBelow: zero, settling: {} })
}, 60_000)
afterAll(async () => {
  await ledger.close()
  await three.stop()
})

const slotOfAccount = (accountId: string) => slotOf(accountKeys(accountId).account)
const taken = new Set<number>()

/** Names of accounts that lie on this master, each in a shard of its own which no other test uses. */
function accountsOn(node: number, count: number): string[] {
  const [first, last] = three.nodes[node]!.slots
  const found: string[] = []
  for (let number = 0; found.length < count; number += 1) {
    const accountId = `account-${number}`
    const slot = slotOfAccount(accountId)
    if (slot < first || slot > last || taken.has(slot)) continue
    taken.add(slot)
    found.push(accountId)
  }
  return found
}

test('all operations work on accounts of fifteen shards on three masters', async () => {
  const accounts = [0, 1, 2].flatMap((node) => accountsOn(node, 5))
  await Promise.all(accounts.map((accountId) => everyOperation(ledger, accountId)))
  expect(new Set(accounts.map(shardOf)).size).toBe(15)
  for (const { redis } of three.nodes) {
    const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]
    expect(Number(calls)).toBeGreaterThan(50)
  }
})

test('pages read an account, its undrained receipts and the answers that it was given', async () => {
  const [accountId] = accountsOn(2, 1) as [string]
  const account = await loadAccount(ledger, accountId)
  await account.reserve('call')
  await account.settle('call')
  expect(await ledger.inspect(accountId)).toMatchObject({ status: 'loaded', spent: 7 })
  expect(await createUndrainedReceipts(cluster)(accountId, () => true)).toMatchObject([{ charged: 7 }])
  const answers = createRememberedAnswers(cluster)
  const claims = Array.from({ length: 12 }, (_, index) => ({ accountId, key: `key ${index}`, id: `id ${index}` }))
  for (const claim of claims) {
    const asked = { ...claim, fingerprint: 'f', leaseMs: 60_000 }
    expect(await answers.claim(asked)).toEqual({ status: 'claimed' })
    const answer = { status: 200, headers: {}, body: 'hello' }
    await answers.finish(claim, answer)
    expect(await answers.claim(asked)).toEqual({ status: 'finished', answer })
  }
})

test('the ends of receipt streams on all masters are read by one reader', async () => {
  const accounts = [0, 1, 2].flatMap((node) => accountsOn(node, 1))
  const loaded = await Promise.all(accounts.map((accountId) => loadAccount(ledger, accountId)))
  const tail = createReceiptTail(cluster)
  const cursors = new Map(
    await Promise.all(accounts.map(async (id) => [shardOf(id), await tail.newest(shardOf(id))] as const)),
  )
  const seen = new Set<string>()
  for (const account of loaded) {
    await account.reserve('call')
    await account.settle('call')
    const { entries } = await tail.next(cursors, 10_000)
    for (const { shard, entryId, receipt } of entries) {
      cursors.set(shard, entryId)
      seen.add(receipt.accountId)
    }
  }
  expect([...seen].toSorted()).toEqual(accounts.toSorted())
  const waiting = tail.next(cursors, 10_000)
  await tail.wake()
  expect(await waiting).toEqual({ entries: [], behind: [] })
  const [shard] = cursors.keys()
  cursors.set(shard!, '9999999999999-0')
  expect((await tail.next(cursors, 1)).behind).toMatchObject([{ shard }])
  await tail.close()
})

test('scripts that one master has forgotten are loaded again', async () => {
  const accounts = [0, 1, 2].flatMap((node) => accountsOn(node, 1))
  const loaded = await Promise.all(accounts.map((accountId) => loadAccount(ledger, accountId)))
  await three.nodes[1]!.redis.script('FLUSH')
  for (const account of loaded) {
    expect(await account.reserve('call')).toMatchObject({ status: 'created' })
    expect(await account.settle('call')).toMatchObject({ status: 'settled' })
  }
})

test('a slot moves to another master under load: calls go on, and nothing is charged twice', async () => {
  const [accountId] = accountsOn(0, 1) as [string]
  const account = await loadAccount(ledger, accountId)
  for (let number = 0; number < 100; number += 1) await account.settle(`before-${number}`)
  let settled = 100
  let moved = false
  const lane = async (name: number): Promise<void> => {
    for (let number = 0; !moved || number < 20; number += 1) {
      const key = `lane-${name}-${number}`
      // Each is sent twice: whatever the move does to the first, the second must not charge
      expect(await account.reserve(key)).toMatchObject({ status: 'created' })
      const [first, second] = await Promise.all([account.settle(key), account.settle(key)])
      expect([first.status, second.status].toSorted()).toEqual(['exists', 'settled'])
      settled += 1
    }
  }
  const lanes = Array.from({ length: 8 }, (_, name) => lane(name))
  const refusals = async (word: string): Promise<number> => {
    const stats = await Promise.all(three.nodes.map(({ redis }) => redis.info('errorstats')))
    return stats.reduce(
      (sum, text) => sum + Number(new RegExp(`errorstat_${word}:count=(\\d+)`).exec(text)?.[1] ?? 0),
      0,
    )
  }
  const before = await refusals('TRYAGAIN')
  await three.moveSlot(slotOfAccount(accountId), 0, 1, async (batch) => {
    // Halfway its keys are on both sides, for longer than the client by itself would repeat the eight calls
    if (batch === 5) await until(async () => (await refusals('TRYAGAIN')) > before + 60)
  })
  moved = true
  await Promise.all(lanes)
  expect(await refusals('MOVED')).toBeGreaterThan(0)
  expect(await account.figures()).toEqual({ spent: 7 * settled, held: 0 })
  const receipts = await ledger.receipts(shardOf(accountId), 100_000)
  expect(new Set(receipts.map(({ receipt }) => receipt.id)).size).toBe(settled)
  expect(receipts).toHaveLength(settled)
})

test('one master is killed: accounts of the others go on, its own answer at once that they cannot, and are back with it', async () => {
  const accounts = [0, 1, 2].flatMap((node) => accountsOn(node, 1))
  const loaded = await Promise.all(accounts.map((accountId) => loadAccount(ledger, accountId)))
  const [first, second, killed] = loaded as [LoadedAccount, LoadedAccount, LoadedAccount]
  for (const account of loaded) {
    await account.reserve('before')
    await account.settle('before')
  }
  await killed.reserve('under-way')
  const identity = await ledger.identity()
  await three.kill(2)
  for (let number = 0; number < 20; number += 1) {
    expect(await first.reserve(`call-${number}`)).toMatchObject({ status: 'created' })
    expect(await second.settle(`call-${number}`)).toMatchObject({ status: 'settled' })
    await expect(killed.reserve(`call-${number}`)).rejects.toThrow(LedgerUnavailable)
    await expect(killed.settle('under-way')).rejects.toThrow(LedgerUnavailable)
  }
  // Whoever drains and sweeps must not stop for the others because of it
  const limits = { dirtyOlderThanMs: 0, perShard: 9 }
  const pending = await ledger.pending(accounts.map(shardOf), limits)
  expect(pending.map(({ shard }) => shard)).toEqual(accounts.slice(0, 2).map(shardOf))
  await expect(ledger.pending([shardOf(accounts[2]!)], limits)).rejects.toThrow(LedgerUnavailable)
  await three.restart(2)
  const settled = await until(() => killed.settle('under-way').catch(() => undefined))
  expect(settled).toMatchObject({ status: 'settled', charged: 7 })
  expect(await killed.figures()).toEqual({ spent: 14, held: 0 })
  expect(await ledger.identity()).not.toBe(identity)
}, 30_000)
