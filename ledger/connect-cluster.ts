import { type TLSSocket, checkServerIdentity, type ConnectionOptions } from 'node:tls'
import { Cluster, type Redis } from 'ioredis'
import { z } from 'zod'
import type { ConnectOptions } from './connect.ts'
import { RedisUnfit } from './redis-unfit.ts'
import { LedgerUnavailable, asLedgerFailure } from './unavailable.ts'

/** How soon a failover is seen whose old master went silent instead of closing its connections. */
const refreshSlotsEveryMs = 5_000
const connectWithinMs = 10_000
/** While a master is away every call for its accounts fails anew; the log hears of each node once in this time. */
const tellEveryMs = 1_000

/**
 * A client of the Cluster that `node` belongs to, with the credentials of that connection. Like a single connection it fails fast: one
 * attempt, no queue. MOVED and ASK are followed. Rejects with LedgerUnavailable, or with RedisUnfit if the nodes do not name their addresses.
 */
export async function connectCluster(node: Redis, options: ConnectOptions = {}): Promise<Cluster> {
  const { host, port, username, password, tls } = node.options
  const others = await announced(node)
  const cluster = new Cluster([{ host, port }, ...others], {
    lazyConnect: true,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    // Both would send a call again whose outcome is unknown: the caller does that, with the same id
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 50,
    maxRedirections: 6,
    slotsRefreshInterval: refreshSlotsEveryMs,
    clusterRetryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
    // A certificate is issued for a name: looking it up here would leave only the address to compare
    dnsLookup: (address, found) => found(null, address),
    redisOptions: {
      protocol: 2,
      maxRetriesPerRequest: 1,
      connectTimeout: 2_000,
      commandTimeout: options.commandTimeoutMs ?? 1_000,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : { tls: ofOneCluster(tls, host ?? '') }),
    },
  })
  const toldMs = new Map<string, number>()
  const tell = (error: Error, from = ''): void => {
    const now = Date.now()
    if (now - (toldMs.get(from) ?? 0) < tellEveryMs) return
    toldMs.set(from, now)
    options.onError?.(error)
  }
  cluster.on('error', tell)
  cluster.on('node error', tell)
  // A connection that is opened by its first command refuses the second: it is not ready yet
  const connectAll = () =>
    Promise.allSettled(cluster.nodes('all').flatMap((one) => (one.status === 'wait' ? [one.connect()] : [])))
  try {
    await within(connectWithinMs, cluster.connect())
    await connectAll()
  } catch (error) {
    cluster.disconnect()
    throw asLedgerFailure(error)
  }
  cluster.on('refresh', () => void connectAll())
  return cluster
}

const Slots = z.array(
  z.tuple([z.number(), z.number()]).rest(z.tuple([z.string().nullable(), z.number()]).rest(z.unknown())),
)

/** All nodes: the one that we were given may be away when the client connects anew. */
async function announced(node: Redis): Promise<readonly { readonly host: string; readonly port: number }[]> {
  const ranges = Slots.parse(
    await node.cluster('SLOTS').catch((error: unknown) => {
      throw asLedgerFailure(error)
    }),
  )
  const nodes = new Map<string, { host: string; port: number }>()
  for (const [, , ...servers] of ranges) {
    for (const [host, port] of servers) {
      if (host === null || host === '')
        throw new RedisUnfit(
          `a node of the Cluster at ${node.options.host} does not know its address: set cluster-announce-ip`,
        )
      nodes.set(`${host}:${port}`, { host, port })
    }
  }
  return [...nodes.values()]
}

/** Nodes are found by the addresses that they announce, often bare ones, while the certificate is issued for the name that we were given. */
function ofOneCluster(tls: ConnectionOptions, name: string): ConnectionOptions {
  return {
    ...tls,
    checkServerIdentity: (host, certificate: ReturnType<TLSSocket['getPeerCertificate']>) => {
      const mistaken = checkServerIdentity(host, certificate)
      return mistaken === undefined ? undefined : checkServerIdentity(name, certificate)
    },
  }
}

/** A Cluster that is down lets ioredis try for ever. */
async function within(limitMs: number, connected: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new LedgerUnavailable(`the Cluster is not ready within ${limitMs} ms: see its CLUSTER INFO`)),
    limitMs,
  )
  await Promise.race([connected, promise]).finally(() => clearTimeout(timer))
}
