import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import slotOf from 'cluster-key-slot'
import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { partPath } from '../../bin/parts.ts'
import { type Child, startChild } from '../../bin/stack/child.ts'
import { freePort } from '../../bin/stack/free-port.ts'
import { chargeId } from '../../credits/charge-id.ts'
import { toMicro, zero } from '../../credits/money.ts'
import { shardCount, shardOf } from '../../ledger/keys.ts'
import { type Ledger, createLedger } from '../../ledger/ledger.ts'
import { operationNames } from '../../ledger/scripts.ts'
import { detailOf, quantities, row, termsOf } from './given.ts'

/** A Cluster of one node that owns every slot: it refuses what a larger one would. */
let server: Child
let node: Redis
let cluster: Cluster
let ledger: Ledger
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-cluster-'))
  const port = await freePort()
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    'cluster-enabled': 'yes',
    'cluster-port': String(await freePort()),
    'cluster-announce-ip': '127.0.0.1',
  }
  server = await startChild({
    command: partPath('REDIS_SERVER'),
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    port,
    isReady: () => answers(port),
  })
  node = new Redis({ host: '127.0.0.1', port, protocol: 2 })
  await node.cluster('ADDSLOTSRANGE', 0, 16_383)
  await vi.waitUntil(async () => String(await node.cluster('INFO')).includes('cluster_state:ok'), { timeout: 30_000 })
  cluster = new Cluster([{ host: '127.0.0.1', port }], { redisOptions: { protocol: 2 } })
  ledger = createLedger(cluster, { depletedBelow: zero, slackMs: 1_000, tombstoneMs: 10_000 })
})
afterAll(async () => {
  await ledger.close()
  await node.quit()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function answers(port: number): Promise<boolean> {
  const redis = new Redis({ host: '127.0.0.1', port, protocol: 2, lazyConnect: true, retryStrategy: () => null })
  redis.on('error', () => {})
  try {
    await redis.connect()
    return (await redis.ping()) === 'PONG'
  } finally {
    redis.disconnect()
  }
}

test('every operation works on a Cluster, in one slot, and touches no key that it has not declared', async () => {
  const monitor = await node.duplicate().monitor()
  const seen: { source: string; args: string[] }[] = []
  monitor.on('monitor', (_time: string, args: string[], source: string) => seen.push({ source, args }))

  const accountId = 'cluster{odd}:name'
  const shard = shardOf(accountId)
  const budgets = [{ level: 'employee:ada', limit: toMicro(500), window: 'day', atLimit: 'pause' }] as const
  const terms = termsOf({ granted: toMicro(1_000), budgets, alertsAt: [toMicro(500)] })
  await ledger.lock(accountId, 'given back', 60_000)
  await ledger.unlock(accountId, 'given back')
  await ledger.lock(accountId, 'token', 60_000)
  await ledger.hydrate({ accountId, token: 'token', lineage: 1, terms, epochs: [], budgets: [], held: toMicro(10) })
  const account = await ledger.read(accountId)
  if (account.status !== 'loaded') throw new Error('not loaded')
  const known = { lineage: 1, nowMs: account.nowMs, found: null }
  const name = (key: string) => ({ accountId, id: chargeId(account.nowMs, key) })
  const lease = { amount: toMicro(50), minimum: zero, ttlMs: 60_000, row, levels: ['employee:ada'] }
  const done = { row, quantities, levels: ['employee:ada'], detail: detailOf(0) }

  for (const key of ['settled', 'released', 'expired']) {
    expect(
      await ledger.reserve({ ...name(key), ...lease, ttlMs: key === 'expired' ? 1 : 60_000 }, known),
    ).toMatchObject({
      status: 'created',
    })
  }
  await ledger.extend({ ...name('settled'), accrued: toMicro(5), more: toMicro(5), ttlMs: 60_000 })
  expect(await ledger.settle({ ...name('settled'), ...done, actual: toMicro(40) })).toMatchObject({ status: 'settled' })
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
  expect(await ledger.ackReceipts(shard, await ledger.receipts(shard, 10))).toBe('acked')
  const taken = await ledger.snapshot(accountId)
  if (taken.status !== 'loaded') throw new Error('not loaded')
  await ledger.ackRows(accountId, 1, taken.seq)
  expect(await ledger.closeEpoch(accountId, 1, 1)).toEqual({ status: 'closed' })
  const everyShard = Array.from({ length: shardCount }, (_, index) => index)
  expect(await ledger.pending(everyShard, { dirtyOlderThanMs: 0, perShard: 9 })).toHaveLength(shardCount)

  await node.echo('the end')
  await vi.waitFor(() => expect(seen.some(({ args }) => args.includes('the end'))).toBe(true))
  monitor.disconnect()
  const scripts = new Set<string>()
  const undeclared: string[] = []
  const slots: number[] = []
  let declared: readonly string[] = []
  for (const { source, args } of seen) {
    const [command, first, ...rest] = args as [string, string, ...string[]]
    if (/^eval/i.test(command)) {
      declared = rest.slice(1, 1 + Number(rest[0]))
      scripts.add(first)
      slots.push(new Set(declared.map((key) => slotOf(key))).size)
    } else if (source === 'lua' && command !== 'TIME') {
      const touched = command === 'DEL' ? [first, ...rest] : [first]
      undeclared.push(...touched.filter((key) => !declared.includes(key)).map((key) => `${command} ${key}`))
    }
  }
  expect(undeclared).toEqual([])
  expect(slots.every((count) => count === 1)).toBe(true)
  expect(scripts.size).toBeGreaterThanOrEqual(operationNames.length)
})
