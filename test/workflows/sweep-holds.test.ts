import { MockActivityEnvironment } from '@temporalio/testing'
import { expect, test } from 'vitest'
import type { ActivityDeps } from '../../activities/deps.ts'
import { createSweepHolds } from '../../activities/sweep-holds.ts'
import { silent } from './ledger-stand.ts'

test('holds that cannot be expired are not tried again without a rest', async () => {
  let nowMs = 0
  let tries = 0
  const due = Array.from({ length: 50 }, (_, index) => ({ accountId: 'a', id: `hold-${index}` }))
  const ledger = {
    pending: async () => [{ shard: 0, nowMs, receipts: 0, dirty: [], due }],
    expire: async () => {
      tries += 1
      // A try takes time as well, so that the round ends even without a rest.
      nowMs += 1
      throw new Error('the hold and its account contradict each other')
    },
  }
  const clock = { now: () => nowMs, sleep: async (ms: number) => void (nowMs += ms), every: () => () => undefined }
  const sweep = createSweepHolds({ ledger, clock, log: silent } as unknown as ActivityDeps)
  await new MockActivityEnvironment().run(sweep, { from: 0, to: 255, roundMs: 10_000 })
  expect(tries).toBeLessThanOrEqual(10 * due.length)
})
