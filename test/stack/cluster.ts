import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from '../../bin/stack/free-port.ts'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import { until } from './until.ts'

const slotCount = 16_384

/** One master of a Cluster, with a connection of the test's own to it. */
export interface ClusterNode {
  readonly id: string
  readonly port: number
  readonly url: string
  readonly pid: number
  readonly redis: Redis
  /** First and last slot that it was given at the start. */
  readonly slots: readonly [number, number]
}

export interface RunningCluster {
  readonly nodes: readonly ClusterNode[]
  /** As a crash would end it. */
  kill(index: number): Promise<void>
  /** Starts a node that was killed, on the same port and the same data. */
  restart(index: number): Promise<void>
  /** Moves a slot with all its keys from one master to another, as `redis-cli --cluster reshard` does: key by key, while both serve. */
  moveSlot(slot: number, from: number, to: number, onBatch?: (batch: number) => Promise<void>): Promise<void>
  stop(): Promise<void>
}

/** Masters that share the slots evenly. One that is away takes only its own slots with it. */
export async function startCluster(masters = 3): Promise<RunningCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-cluster-'))
  const perNode = Math.ceil(slotCount / masters)
  const start = async (index: number, port?: number, busPort?: number) => {
    const bus = busPort ?? (await freePort())
    const server = await startRedis({
      dir: join(folder, String(index)),
      appendonly: 'everysec',
      ...(port === undefined ? {} : { port }),
      settings: {
        'cluster-enabled': 'yes',
        'cluster-port': String(bus),
        // A node that never met another does not know its own
        'cluster-announce-ip': '127.0.0.1',
        'cluster-node-timeout': '1000',
        'cluster-require-full-coverage': 'no',
        'cluster-allow-replica-migration': 'no',
      },
    })
    return { server, bus }
  }
  const open = (port: number) => {
    const redis = new Redis({ host: '127.0.0.1', port, protocol: 2, lazyConnect: true })
    // Killed nodes are what this is for
    redis.on('error', () => {})
    return redis
  }
  const running: { server: RunningRedis; bus: number }[] = []
  for (let index = 0; index < masters; index += 1) running.push(await start(index))
  const nodes: ClusterNode[] = []
  for (const [index, { server }] of running.entries()) {
    const redis = open(server.port)
    const slots = [index * perNode, Math.min((index + 1) * perNode, slotCount) - 1] as const
    await redis.cluster('ADDSLOTSRANGE', ...slots)
    await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    nodes.push({
      id: String(await redis.call('CLUSTER', 'MYID')),
      port: server.port,
      url: server.url,
      get pid() {
        return running[index]!.server.pid
      },
      redis,
      slots,
    })
  }
  const [first, ...others] = nodes
  for (const { port } of others)
    await first!.redis.call(
      'CLUSTER',
      'MEET',
      '127.0.0.1',
      port,
      running.find(({ server }) => server.port === port)!.bus,
    )
  await everyoneAgrees()

  async function everyoneAgrees(): Promise<void> {
    await until(async () => {
      const views = await Promise.all(nodes.map(({ redis }) => redis.cluster('INFO').then(String)))
      return views.every((view) => view.includes('cluster_state:ok') && view.includes(`cluster_known_nodes:${masters}`))
    })
  }

  return {
    nodes,
    kill: (index) => running[index]!.server.kill(),
    async restart(index) {
      const { server, bus } = running[index]!
      running[index] = await start(index, server.port, bus)
      await everyoneAgrees()
    },
    async moveSlot(slot, from, to, onBatch) {
      const [source, target] = [nodes[from]!, nodes[to]!]
      await target.redis.cluster('SETSLOT', slot, 'IMPORTING', source.id)
      await source.redis.cluster('SETSLOT', slot, 'MIGRATING', target.id)
      for (let batch = 0; ; batch += 1) {
        const keys = await source.redis.cluster('GETKEYSINSLOT', slot, 10)
        if (keys.length === 0) break
        await source.redis.migrate('127.0.0.1', target.port, '', 0, 5_000, 'KEYS', ...keys)
        await onBatch?.(batch)
      }
      for (const { redis } of [target, source, ...nodes]) await redis.cluster('SETSLOT', slot, 'NODE', target.id)
    },
    async stop() {
      for (const { redis } of nodes) redis.disconnect()
      await Promise.all(running.map(({ server }) => server.stop()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
