import { proxyActivities } from '@temporalio/workflow'
import type { Activities } from './activities.ts'

// A killed worker is noticed when its attempts should have ended, and those that follow come at once
const quick = proxyActivities<Activities>({
  startToCloseTimeout: '2 seconds',
  retry: { initialInterval: '100ms', backoffCoefficient: 1 },
})
const long = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '4 seconds',
  retry: { initialInterval: '100ms', backoffCoefficient: 1 },
})

/** What one mail takes, and how often it fails before. */
export type Mail = readonly [ms: number, failures: number]

/** So many mails at a time. */
export async function mails(all: readonly Mail[], atOnce: number): Promise<void> {
  const waiting = [...all]
  const oneAfterTheOther = async (): Promise<void> => {
    for (let mail = waiting.shift(); mail !== undefined; mail = waiting.shift()) await quick.mail(...mail)
  }
  await Promise.all(Array.from({ length: atOnce }, oneAfterTheOther))
}

/** Two lines of research over each other, each of one piece after the other. */
export async function research(piecesMs: readonly (readonly number[])[]): Promise<void> {
  await Promise.all(
    piecesMs.map(async (line) => {
      for (const ms of line) await long.research(ms)
    }),
  )
}
