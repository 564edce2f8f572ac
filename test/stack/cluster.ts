import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from '../../bin/stack/free-port.ts'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import { until } from './until.ts'

const slotCount = 16_384

/** One node of a Cluster, with a connection of the test's own to it. */
export interface ClusterNode {
  readonly id: string
  readonly port: number
  readonly url: string
  readonly pid: number
  readonly redis: Redis
  /** First and last slot that it, or the master that it copies, was given at the start. */
  readonly slots: readonly [number, number]
}

export interface RunningCluster {
  readonly nodes: readonly ClusterNode[]
  /** A node that copies this master, and takes its place when it is killed. */
  addReplica(of: number): Promise<ClusterNode>
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
        'repl-diskless-sync-delay': '0',
        'shutdown-timeout': '0',
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
  const nodes: ClusterNode[] = []
  const enter = async (slots: readonly [number, number]): Promise<ClusterNode> => {
    const index = nodes.length
    const { server, bus } = await start(index)
    running.push({ server, bus })
    const redis = open(server.port)
    const node = {
      id: String(await redis.call('CLUSTER', 'MYID')),
      port: server.port,
      url: server.url,
      get pid() {
        return running[index]!.server.pid
      },
      redis,
      slots,
    }
    nodes.push(node)
    await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', nodes.length)
    if (index > 0) await nodes[0]!.redis.call('CLUSTER', 'MEET', '127.0.0.1', server.port, bus)
    return node
  }
  for (let index = 0; index < masters; index += 1) {
    const node = await enter([index * perNode, Math.min((index + 1) * perNode, slotCount) - 1])
    await node.redis.cluster('ADDSLOTSRANGE', ...node.slots)
  }
  await everyoneAgrees()

  async function everyoneAgrees(): Promise<void> {
    const known = `cluster_known_nodes:${nodes.length}`
    await until(async () => {
      const views = await Promise.all(nodes.map(({ redis }) => redis.cluster('INFO').then(String)))
      return views.every((view) => view.includes('cluster_state:ok') && view.includes(known))
    })
  }

  return {
    nodes,
    async addReplica(of) {
      const master = nodes[of]!
      const replica = await enter(master.slots)
      await everyoneAgrees()
      await replica.redis.call('CLUSTER', 'REPLICATE', master.id)
      await until(async () => (await replica.redis.info('replication')).includes('master_link_status:up'))
      return replica
    },
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
