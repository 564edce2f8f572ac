import { setTimeout as pause } from 'node:timers/promises'
import type { Seeded } from '../seeded.ts'
import type { Company } from './company.ts'

/** Kills one worker of the company after the other until it is stopped. Answers how many. */
export function startWorkerKills(
  company: Company,
  seed: Seeded,
  everyMs: number,
): { readonly stop: () => Promise<number> } {
  const stopping = new AbortController()
  const work = (async () => {
    let kills = 0
    // The first one as soon as there is work to hit: on a fast machine it does not last for long
    while (company.notes().length === 0 && !stopping.signal.aborted) await pause(20)
    let waitMs = seed.whole(0, 100)
    for (;;) {
      await pause(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return kills
      if (await company.killOne(seed)) kills += 1
      waitMs = seed.whole(everyMs / 2, (3 * everyMs) / 2)
    }
  })()
  return {
    stop() {
      stopping.abort()
      return work
    },
  }
}
