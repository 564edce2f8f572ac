import type { Cluster, Redis } from 'ioredis'
import { type RedisWarning, checkRedis } from './check-redis.ts'
import { connectCluster } from './connect-cluster.ts'
import { type ConnectOptions, connectRedis } from './connect.ts'
import { redisFacts } from './redis-facts.ts'
import { RedisUnfit } from './redis-unfit.ts'
import { LedgerUnavailable, asLedgerFailure } from './unavailable.ts'

export interface OpenedRedis {
  readonly redis: Redis | Cluster
  /** Of every server: settings by which credits can be lost. */
  readonly warnings: readonly RedisWarning[]
}

/**
 * Opens what an address leads to: one Redis, or the Cluster that the Redis there belongs to. Rejects with LedgerUnavailable if it cannot be
 * reached now, and with RedisUnfit if it must not carry a ledger.
 */
export async function openRedis(url: string, options: ConnectOptions = {}): Promise<OpenedRedis> {
  const first = await connectRedis(url, options)
  let redis: Redis | Cluster = first
  try {
    const facts = await redisFacts(first).catch((error: unknown) => {
      throw asLedgerFailure(error)
    })
    if (facts.get('cluster_enabled') === '1') {
      if ((first.options.db ?? 0) !== 0)
        throw new RedisUnfit(
          `the address names database ${first.options.db}, and a Cluster has only database 0: leave the number away`,
        )
      redis = await connectCluster(first, options)
      first.disconnect()
    } else if (facts.get('role') !== 'master') {
      throw new RedisUnfit(
        `the address leads to a replica, which takes no charges: its master is ${facts.get('master_host')}:${facts.get('master_port')}`,
      )
    }
    return { redis, warnings: await warningsOf(redis) }
  } catch (error) {
    first.disconnect()
    redis.disconnect()
    throw error
  }
}

async function warningsOf(redis: Redis | Cluster): Promise<readonly RedisWarning[]> {
  const servers = 'nodes' in redis ? redis.nodes('all') : [redis]
  const checked = await Promise.all(
    servers.map((server) =>
      checkRedis(server).catch((error: unknown): readonly RedisWarning[] => {
        if (!(error instanceof LedgerUnavailable)) throw error
        const node = `${server.options.host}:${server.options.port}`
        return [{ node, setting: 'all', advice: `it could not be checked, since it does not answer: ${error.message}` }]
      }),
    ),
  )
  return checked.flat()
}
