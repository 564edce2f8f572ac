import { expect, test } from 'vitest'
import { startRedis } from '../../bin/stack/redis.ts'
import { zero } from '../../credits/money.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { LedgerUnavailable, createLedger } from '../../ledger/ledger.ts'
import { openRedis } from '../../ledger/open-redis.ts'
import { startCluster } from '../stack/cluster.ts'
import { until } from '../stack/until.ts'

test('a Redis that was restarted is another, and one that is away is none', async () => {
  const first = await startRedis()
  const ledger = createLedger(await connectRedis(first.url), { depletedBelow: zero })
  const before = await ledger.identity()
  expect(await ledger.identity()).toBe(before)
  await first.kill()
  await expect(ledger.identity()).rejects.toThrow(LedgerUnavailable)
  const second = await startRedis({ port: first.port })
  const after = await until(() => ledger.identity().catch(() => undefined))
  expect(after).not.toBe(before)
  expect(await ledger.identity()).toBe(after)
  await ledger.close()
  await second.stop()
})

test('a replica that was promoted is another than it was before, though its process goes on', async () => {
  const [master, replica] = await Promise.all([startRedis(), startRedis()])
  const redis = await connectRedis(replica.url)
  const ledger = createLedger(redis, { depletedBelow: zero })
  const alone = await ledger.identity()
  await redis.replicaof('127.0.0.1', master.port)
  await until(async () => (await redis.info('replication')).includes('master_link_status:up'))
  const following = await ledger.identity()
  await redis.replicaof('NO', 'ONE')
  const promoted = await ledger.identity()
  expect(new Set([alone, following, promoted]).size).toBe(3)
  await ledger.close()
  await Promise.all([master.stop(), replica.stop()])
})

test('a Cluster is another when one of its masters is', async () => {
  const cluster = await startCluster(2)
  const { redis } = await openRedis(cluster.nodes[0]!.url)
  const ledger = createLedger(redis, { depletedBelow: zero })
  const lives = async (): Promise<readonly string[]> => (await ledger.identity()).split(' ')
  const before = await lives()
  expect(before).toHaveLength(2)
  expect(await lives()).toEqual(before)
  await cluster.kill(1)
  await cluster.restart(1)
  // Until the client has found it again, it is not one of the masters
  const after = await until(() =>
    lives().then(
      (found) => found.length === 2 && found,
      () => undefined,
    ),
  )
  expect(after.filter((life) => before.includes(life))).toHaveLength(1)
  await ledger.close()
  await cluster.stop()
})
