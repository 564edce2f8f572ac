import { setTimeout as pause } from 'node:timers/promises'
import type { Seeded } from './seeded.ts'
import { partNames, type Stand } from './stand.ts'

export interface RandomKills {
  readonly count: () => number
  /** Kills no more, and resolves when everything runs again. */
  stop(): Promise<void>
}

/** Kills one part that is up after the other, and starts each again at once. One gateway is left, so that there are calls to be hit. */
export function startRandomKills(stand: Stand, seed: Seeded, everyMs: number): RandomKills {
  let count = 0
  const stopping = new AbortController()
  const work = (async () => {
    while (!stopping.signal.aborted) {
      await pause(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      const gateways = partNames.filter((part) => part.startsWith('gateway') && stand.isUp(part))
      const candidates = partNames.filter(
        (part) => stand.isUp(part) && !(part.startsWith('gateway') && gateways.length === 1),
      )
      // Chosen among all, so that what is down for long is not replaced by more kills of the others.
      const part = seed.pick(partNames)
      if (stopping.signal.aborted || !candidates.includes(part)) continue
      await stand.kill(part)
      count += 1
      void stand.start(part)
    }
  })()
  return {
    count: () => count,
    async stop() {
      stopping.abort()
      await work
      await Promise.all(partNames.map((part) => stand.start(part)))
    },
  }
}
