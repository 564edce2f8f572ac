import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { startRedis } from '../../bin/stack/redis.ts'
import { openCuttable } from '../stack/cuttable.ts'
import { until } from '../stack/until.ts'
import type { Seeded } from './seeded.ts'
import type { PartName, Stand } from './stand.ts'

export interface FaultContext {
  readonly stand: Stand
  readonly seed: Seeded
  /** How long a part is away where that is the fault. */
  readonly awayMs: number
}

/**
 * What may go wrong, one thing at a time, in the middle of traffic. Each resolves when everything is there again. In the order in which one stand should
 * meet them: the books allow corrections, and what is uncollected, only once a gateway was killed or a Redis went back, and a stand never forgets.
 */
export const faults = {
  'worker-killed': killed('worker'),
  'postgres-killed': killed('postgres'),
  'temporal-killed': killed('temporal'),
  async 'temporal-away'({ stand, awayMs }) {
    await stand.kill('temporal')
    await pause(awayMs)
    await stand.start('temporal')
  },
  async 'postgres-away'({ stand, awayMs }) {
    stand.journalWay.cut()
    stand.note('postgres', 'cut off')
    await pause(awayMs)
    stand.journalWay.mend()
    stand.note('postgres', 'reached again')
  },
  'gateway-killed': killed('gateway A'),
  'redis-killed': killed('redis'),
  /** Everything in Redis is gone, and Redis is there. */
  async 'redis-flushed'({ stand }) {
    await withRedis(stand.redisUrl, (redis) => redis.flushall())
    stand.note('redis', 'lost')
  },
  /** The machine died: the end of the append-only file did not reach its disk, and what did ends in the middle of a line. */
  async 'aof-cut'({ stand, seed }) {
    await stand.kill('redis')
    const folder = join(stand.redisFolder, 'appendonlydir')
    const file = join(
      folder,
      readdirSync(folder).find((name) => name.endsWith('.incr.aof'))!,
    )
    const { size } = statSync(file)
    truncateSync(file, seed.whole(Math.floor(size / 2), size - 1))
    stand.note('redis', 'lost')
    await stand.start('redis')
  },
  /** The master dies, and a replica that has not heard of the last seconds takes its place. The stand has no other Redis after it. */
  async 'replica-promoted'({ stand, awayMs }) {
    const master = new URL(stand.redisUrl)
    const way = await openCuttable(master)
    const replica = await startRedis({
      appendonly: 'everysec',
      settings: { replicaof: `127.0.0.1 ${new URL(way.url).port}` },
    })
    await withRedis(replica.url, async (redis) => {
      await until(async () => (await redis.info('replication')).includes('master_link_status:up'))
      way.silence()
      await pause(awayMs / 4)
      await stand.kill('redis')
      await redis.replicaof('NO', 'ONE')
    })
    stand.note('redis', 'lost')
    way.close()
    const takeover = await openCuttable(new URL(replica.url), Number(master.port))
    void replica.ended.then(() => takeover.close())
    stand.replace('redis', replica)
  },
} as const satisfies Readonly<Record<string, (context: FaultContext) => Promise<void>>>

export type FaultName = keyof typeof faults

function killed(part: PartName): (context: FaultContext) => Promise<void> {
  return async ({ stand }) => {
    await stand.kill(part)
    await stand.start(part)
  }
}

async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { protocol: 2 })
  redis.on('error', () => {})
  try {
    return await use(redis)
  } finally {
    redis.disconnect()
  }
}
