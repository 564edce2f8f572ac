import slotOf from 'cluster-key-slot'
import { afterEach, expect, test } from 'vitest'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import { zero } from '../../credits/money.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { accountKeys } from '../../ledger/keys.ts'
import { createLedger } from '../../ledger/ledger.ts'
import { openRedis } from '../../ledger/open-redis.ts'
import { startCluster } from '../stack/cluster.ts'
import { until } from '../stack/until.ts'
import { loadAccount } from './loaded-account.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()!()
})

async function givenRedis(): Promise<RunningRedis> {
  const server = await startRedis({ settings: { 'repl-diskless-sync-delay': '0', 'shutdown-timeout': '0' } })
  cleanups.push(() => server.stop())
  return server
}

async function connect(server: { readonly url: string }) {
  const redis = await connectRedis(server.url, { commandTimeoutMs: 30_000 })
  cleanups.push(() => Promise.resolve(redis.disconnect()))
  return redis
}

async function replicate(master: RunningRedis): Promise<RunningRedis> {
  const replica = await givenRedis()
  const redis = await connect(replica)
  await redis.replicaof('127.0.0.1', master.port)
  await until(async () => (await redis.info('replication')).includes('master_link_status:up'))
  return replica
}

/** A ledger that counts what no replica has confirmed. */
async function openLedger(url: string, waitMs = 5_000) {
  let unconfirmed = 0
  const { redis } = await openRedis(url, { commandTimeoutMs: 30_000 })
  const ledger = createLedger(redis, {
    depletedBelow: zero,
    settling: { waitMs, lookEveryMs: 50, onUnconfirmed: (count) => (unconfirmed += count) },
  })
  cleanups.push(() => ledger.close().catch(() => redis.disconnect()))
  return { ledger, unconfirmed: () => unconfirmed }
}

const settlingConnections = async (server: { readonly url: string }) =>
  String(await (await connect(server)).client('LIST')).split('name=tollgate-settling').length - 1

const waits = async (server: { readonly url: string }) =>
  Number(/cmdstat_wait:calls=(\d+)/.exec(await (await connect(server)).info('commandstats'))?.[1] ?? 0)

const keysOf = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

test('without a replica nothing is waited for, and there is no second connection', async () => {
  const master = await givenRedis()
  const { ledger, unconfirmed } = await openLedger(master.url)
  const account = await loadAccount(ledger, 'alone')
  const redis = await connect(master)
  const looks = async () => Number(/cmdstat_info:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1])
  const before = await looks()
  // The ledger asks every other time; the rest is this question
  await until(async () => (await looks()) > before + 12)
  await Promise.all(keysOf('call', 50).map((key) => account.settle(key)))
  expect(await waits(master)).toBe(0)
  expect(await settlingConnections(master)).toBe(0)
  expect(unconfirmed()).toBe(0)
})

test('confirmed settlements survive the death of the master, and one WAIT confirms many', async () => {
  const master = await givenRedis()
  const replica = await replicate(master)
  const { ledger, unconfirmed } = await openLedger(master.url)
  await until(async () => (await settlingConnections(master)) === 1)
  const account = await loadAccount(ledger, 'confirmed')
  const keys = keysOf('call', 300)
  expect(await Promise.all(keys.map((key) => account.settle(key)))).toHaveLength(300)
  expect(unconfirmed()).toBe(0)
  expect(await waits(master)).toBeLessThan(20)
  const identity = await ledger.identity()

  await master.kill()
  await (await connect(replica)).replicaof('NO', 'ONE')
  const promoted = await openLedger(replica.url)
  const again = await Promise.all(keys.map((key) => account.on(promoted.ledger).settle(key)))
  expect(again.every(({ status }) => status === 'exists')).toBe(true)
  expect(await account.on(promoted.ledger).figures()).toEqual({ spent: 300 * 7, held: 0 })
  expect(await promoted.ledger.identity()).not.toBe(identity)
})

test('a replica that hangs holds up no answer for long: each is counted, and confirmed again when it is back', async () => {
  const master = await givenRedis()
  const replica = await replicate(master)
  const { ledger, unconfirmed } = await openLedger(master.url, 30)
  await until(async () => (await settlingConnections(master)) === 1)
  const account = await loadAccount(ledger, 'hanging')
  process.kill(replica.pid, 'SIGSTOP')
  const answers = await Promise.all(keysOf('hanging', 20).map((key) => account.settle(key)))
  process.kill(replica.pid, 'SIGCONT')
  expect(answers.every(({ status }) => status === 'settled')).toBe(true)
  expect(unconfirmed()).toBe(20)
  await until(async () => {
    const before = unconfirmed()
    await account.settle(`back-${performance.now()}`.replace('.', '-'))
    return unconfirmed() === before
  })
})

test('a replica that is gone is not waited for, and its absence is counted', async () => {
  const master = await givenRedis()
  const replica = await replicate(master)
  const { ledger, unconfirmed } = await openLedger(master.url, 30)
  await until(async () => (await settlingConnections(master)) === 1)
  const account = await loadAccount(ledger, 'gone')
  await replica.kill()
  const waited = await until(async () => {
    const before = await waits(master)
    await account.settle(`seen-${before}`)
    return (await waits(master)) === before && before
  })
  const counted = unconfirmed()
  await Promise.all(keysOf('gone', 20).map((key) => account.settle(key)))
  expect(unconfirmed()).toBe(counted + 20)
  expect(await waits(master)).toBe(waited)
})

test('on a Cluster only the master with a replica is waited for, and what it confirmed survives the failover', async () => {
  const cluster = await startCluster()
  cleanups.push(() => cluster.stop())
  const replica = await cluster.addReplica(0)
  const { ledger, unconfirmed } = await openLedger(cluster.nodes[1]!.url)
  await until(async () => (await settlingConnections(cluster.nodes[0]!)) === 1)
  const on = (node: number) => {
    const [first, last] = cluster.nodes[node]!.slots
    return keysOf('account', 100).find((id) => {
      const slot = slotOf(accountKeys(id).account)
      return slot >= first && slot <= last
    })!
  }
  const [copied, alone] = await Promise.all([loadAccount(ledger, on(0)), loadAccount(ledger, on(1))])
  const keys = keysOf('call', 100)
  await Promise.all(keys.flatMap((key) => [copied.settle(key), alone.settle(key)]))
  expect(unconfirmed()).toBe(0)
  expect(await waits(cluster.nodes[0]!)).toBeGreaterThan(0)
  expect(await waits(cluster.nodes[1]!)).toBe(0)
  const identity = await ledger.identity()

  await cluster.kill(0)
  const again = await until(() => copied.settle(keys[0]!).catch(() => undefined))
  expect(again).toMatchObject({ status: 'exists' })
  // Reads go over another connection, which finds the new master in its own time
  expect(await until(() => copied.figures().catch(() => undefined))).toEqual({ spent: 100 * 7, held: 0 })
  expect(await alone.settle('after')).toMatchObject({ status: 'settled' })
  expect(await copied.settle('after')).toMatchObject({ status: 'settled' })
  expect(await ledger.identity()).not.toBe(identity)
  expect((await replica.redis.info('replication')).includes('role:master')).toBe(true)
}, 60_000)
