import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { startRedis } from '../../bin/stack/redis.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { openRedis } from '../../ledger/open-redis.ts'
import { LedgerUnavailable } from '../../ledger/unavailable.ts'
import { startCluster } from '../stack/cluster.ts'
import { until } from '../stack/until.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()!()
})

async function given(settings: Readonly<Record<string, string>> = {}) {
  const server = await startRedis({ settings: { appendonly: 'yes', 'shutdown-timeout': '0', ...settings } })
  cleanups.push(() => server.stop())
  const redis = await connectRedis(server.url)
  cleanups.push(() => Promise.resolve(redis.disconnect()))
  return { ...server, redis }
}

/** What is warned of, server by server. */
async function warned(url: string): Promise<readonly string[]> {
  const { redis, warnings } = await openRedis(url)
  redis.disconnect()
  return warnings.map(({ setting }) => setting)
}

describe('at the start', () => {
  test.each<[string, Record<string, string>, readonly string[]]>([
    ['a Redis that keeps everything is not warned of', {}, []],
    ['one that may evict holds is', { 'maxmemory-policy': 'allkeys-lru' }, ['maxmemory-policy']],
    ['also one that evicts only what expires', { 'maxmemory-policy': 'volatile-ttl' }, ['maxmemory-policy']],
    ['one that keeps nothing on disk is', { appendonly: 'no' }, ['appendonly']],
    ['one that keeps snapshots only is', { appendonly: 'no', save: '60 1000' }, ['appendonly']],
  ])('%s', async (_, settings, expected) => {
    const server = await given(settings)
    expect(await warned(server.url)).toEqual(expected)
  })

  test('nothing on disk and snapshots only are told apart, with what to do', async () => {
    const [none, snapshots] = await Promise.all([
      given({ appendonly: 'no' }),
      given({ appendonly: 'no', save: '60 1000' }),
    ])
    const advice = async (url: string) => {
      const { redis, warnings } = await openRedis(url)
      redis.disconnect()
      return warnings[0]?.advice
    }
    expect(await advice(none.url)).toMatch(/nothing on disk.*Set appendonly yes/)
    expect(await advice(snapshots.url)).toMatch(/snapshots only.*Set appendonly yes/)
  })

  test('a Redis that forbids CONFIG is judged by what it tells of itself, and the rest is said to be unknown', async () => {
    const server = await given({ appendonly: 'no', 'maxmemory-policy': 'allkeys-lru' })
    await server.redis.call('ACL', 'SETUSER', 'default', '-config')
    expect(await warned(server.url)).toEqual(['maxmemory-policy', 'appendonly', 'config'])
  })

  test('a master that goes on without its replica is warned of, until it is told not to', async () => {
    const [master, replica] = await Promise.all([
      given({ 'repl-diskless-sync-delay': '0' }),
      given({ appendonly: 'no' }),
    ])
    await replica.redis.replicaof('127.0.0.1', master.port)
    await until(async () => (await master.redis.info('replication')).includes('connected_slaves:1'))
    expect(await warned(master.url)).toEqual(['min-replicas-to-write'])
    await master.redis.config('SET', 'min-replicas-to-write', 1)
    expect(await warned(master.url)).toEqual([])
  })

  test('a replica is refused, and its master is named', async () => {
    const [master, replica] = await Promise.all([given(), given({ appendonly: 'no' })])
    await replica.redis.replicaof('127.0.0.1', master.port)
    await expect(openRedis(replica.url)).rejects.toMatchObject({
      name: 'RedisUnfit',
      message: expect.stringContaining(`127.0.0.1:${master.port}`) as string,
    })
  })

  test('one older than 7.0 is refused, with its version', async () => {
    const info =
      '# Server\r\nredis_version:6.2.14\r\n# Cluster\r\ncluster_enabled:0\r\n# Replication\r\nrole:master\r\n'
    const old = createServer((socket) => {
      socket.setEncoding('utf8').on('data', (sent: string) => {
        for (const command of sent.split(/^\*\d+\r\n/m).slice(1))
          socket.write(/\r\ninfo\r\n/i.test(command) ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n')
      })
    })
    const port = await new Promise<number>((resolve) =>
      old.listen(0, '127.0.0.1', () => resolve((old.address() as AddressInfo).port)),
    )
    cleanups.push(() => new Promise((resolve) => old.close(resolve)))
    await expect(openRedis(`redis://127.0.0.1:${port}`)).rejects.toMatchObject({
      name: 'RedisUnfit',
      message: expect.stringMatching(/6\.2\.14.*7\.0/) as string,
    })
  })

  test('user, password and database number of the address are used', async () => {
    const server = await given()
    await server.redis.call('ACL', 'SETUSER', 'ledger', 'on', '>p@ss word', '~*', '&*', '+@all')
    await server.redis.call('ACL', 'SETUSER', 'default', 'off')
    const address = `redis://ledger:${encodeURIComponent('p@ss word')}@127.0.0.1:${server.port}/3`
    const { redis } = await openRedis(address)
    await redis.set('key', 'in database 3')
    const other = await connectRedis(address.replace('/3', '/0'))
    expect(await other.get('key')).toBeNull()
    redis.disconnect()
    other.disconnect()
    await expect(openRedis(server.url)).rejects.toThrow(LedgerUnavailable)
    await expect(openRedis(address.replace('ss%20', 'ss%21'))).rejects.toThrow(/WRONGPASS/)
  })
})

describe('a master that becomes a replica', () => {
  test('is left, for whoever answers at its address then', async () => {
    const [server, other] = await Promise.all([given(), given()])
    const { redis } = await openRedis(server.url)
    cleanups.push(() => Promise.resolve(redis.disconnect()))
    await server.redis.replicaof('127.0.0.1', other.port)
    const reconnected = new Promise<void>((resolve) => void redis.once('ready', () => resolve()))
    await expect(redis.set('key', 'value')).rejects.toThrow('READONLY')
    await reconnected
  })
})

describe('an address of a Cluster', () => {
  test('is opened as one: with its password, without a database number, all servers checked', async () => {
    const cluster = await startCluster(2)
    cleanups.push(() => cluster.stop())
    const [first, second] = cluster.nodes
    await second!.redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await second!.redis.config('SET', 'cluster-require-full-coverage', 'yes')
    for (const { redis } of cluster.nodes) await redis.config('SET', 'requirepass', 'secret')
    const address = `redis://:secret@127.0.0.1:${first!.port}`
    const { redis, warnings } = await openRedis(address)
    cleanups.push(() => Promise.resolve(redis.disconnect()))
    expect(warnings.map(({ node, setting }) => [node, setting])).toEqual([
      [`127.0.0.1:${second!.port}`, 'maxmemory-policy'],
      [`127.0.0.1:${second!.port}`, 'cluster-require-full-coverage'],
    ])
    for (const key of ['a', 'b', 'c', 'd']) expect(await redis.set(key, key)).toBe('OK')
    await expect(openRedis(`${address}/3`)).rejects.toMatchObject({
      name: 'RedisUnfit',
      message: expect.stringContaining('only database 0') as string,
    })
  })

  test('whose nodes do not know where they are is refused, with what to set', async () => {
    const lonely = await given({ appendonly: 'no', 'cluster-enabled': 'yes' })
    await lonely.redis.cluster('ADDSLOTSRANGE', 0, 16_383)
    await expect(openRedis(lonely.url)).rejects.toMatchObject({
      name: 'RedisUnfit',
      message: expect.stringContaining('cluster-announce-ip') as string,
    })
  })
})
