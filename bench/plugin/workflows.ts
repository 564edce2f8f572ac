import { proxyActivities, sleep } from '@temporalio/workflow'
import type { Activities } from './activities.ts'

const remote = proxyActivities<Activities>({ startToCloseTimeout: '1 minute' })

/** One after the other: what is added to an activity is added to the run. */
export async function oneByOne(name: 'bench.priced' | 'bench.free' | 'bench.unnamed', count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await remote[name]()
}

/** Three activities over each other, of which the first ends last. */
export async function threeAtOnce(longestMs: number): Promise<void> {
  const busy = async (afterMs: number, ms: number): Promise<void> => {
    await sleep(afterMs)
    await remote['bench.busy'](ms)
  }
  await Promise.all([
    busy(1, longestMs),
    busy(longestMs * 0.1, longestMs * 0.6),
    busy(longestMs * 0.2, longestMs * 0.4),
  ])
}
