import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Seeded } from '../seeded.ts'
import type { PartName, Stand } from '../stand.ts'
import type { MediaServer } from './media-server.ts'

/** What dies and comes back with what it had on its disk. */
export const processes = ['worker', 'gateway A', 'gateway B', 'redis', 'media server'] as const
/** The last one is a ledger that has lost everything: signs of life that no supervisor has read go with it, so no bound holds. */
export const victims = [...processes, 'redis flushed'] as const
export type Victim = (typeof victims)[number]

export interface SessionKills {
  readonly counts: Readonly<Record<Victim, number>>
  /** Kills no more, and resolves when everything runs again. */
  stop(): Promise<void>
}

/** Kills one victim after the other, each as often as the others in an order that the seed decides, and starts it again at once. One gateway is left alive. */
export function startSessionKills(
  stand: Stand,
  media: MediaServer,
  seed: Seeded,
  { everyMs, among }: { readonly everyMs: number; readonly among: readonly Victim[] },
): SessionKills {
  const counts = Object.fromEntries(victims.map((victim) => [victim, 0])) as Record<Victim, number>
  const stopping = new AbortController()
  const starting: Promise<void>[] = []

  async function kill(victim: Victim): Promise<boolean> {
    if (victim === 'media server') {
      await media.kill()
      // As long as a process takes to come up
      starting.push(pause(seed.whole(500, 3_000)).then(() => media.start()))
      return true
    }
    const part: PartName = victim === 'redis flushed' ? 'redis' : victim
    if (!stand.isUp(part)) return false
    if (victim === 'redis flushed') {
      await flush(stand)
      return true
    }
    const isLastGateway = victim.startsWith('gateway') && !(stand.isUp('gateway A') && stand.isUp('gateway B'))
    if (isLastGateway) return false
    await stand.kill(part)
    starting.push(stand.start(part))
    return true
  }

  const work = (async () => {
    let round: Victim[] = []
    while (!stopping.signal.aborted && among.length > 0) {
      await pause(seed.whole(everyMs / 2, (3 * everyMs) / 2), undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) break
      if (round.length === 0) round = [...among]
      const victim = seed.pick(round)
      // One that is down already has its turn later
      if (!(await kill(victim))) continue
      counts[victim] += 1
      round = round.filter((each) => each !== victim)
    }
  })()
  return {
    counts,
    async stop() {
      stopping.abort()
      await work
      await Promise.all(starting)
    },
  }
}

async function flush(stand: Stand): Promise<void> {
  const redis = new Redis(stand.redisUrl, { protocol: 2 })
  redis.on('error', () => {})
  try {
    await redis.flushall()
    stand.note('redis', 'lost')
  } finally {
    redis.disconnect()
  }
}
