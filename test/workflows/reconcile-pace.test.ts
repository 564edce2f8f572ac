import { MockActivityEnvironment } from '@temporalio/testing'
import { expect, test } from 'vitest'
import type { ActivityDeps } from '../../activities/deps.ts'
import { createReconcileAccounts } from '../../activities/reconcile-accounts.ts'
import { silent } from './ledger-stand.ts'

test('an account whose workflow does not answer does not slow down the reports of the others', async () => {
  const asked: number[] = []
  const turns = { stuck: 0, healthy: 0 }
  let nowMs = 0
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => void (nowMs += ms),
    every: () => () => undefined,
  }
  const terms = { version: 1, earlier: [] }
  const deps = {
    clock,
    log: silent,
    journal: {},
    ledger: {
      pending: async (_: readonly number[], { dirtyOlderThanMs }: { dirtyOlderThanMs: number }) => {
        asked.push(dirtyOlderThanMs)
        return [{ shard: 0, nowMs, receipts: 0, dirty: ['stuck', 'healthy'], due: [] }]
      },
      snapshot: async (accountId: string) => ({
        status: 'loaded',
        accountId,
        termsVersion: 1,
        earlier: [],
        epochs: [],
      }),
      ackRows: async () => undefined,
    },
    accounts: {
      reconcile: async (accountId: 'stuck' | 'healthy') => {
        turns[accountId] += 1
        if (accountId === 'stuck') {
          // The other has its answer long before this one is given up.
          await new Promise((resolve) => setImmediate(resolve))
          nowMs += 10_000
          throw new Error('no answer')
        }
        nowMs += 20
        return { ok: true, status: 'ok', terms }
      },
    },
  } as unknown as ActivityDeps
  await new MockActivityEnvironment().run(createReconcileAccounts(deps), { from: 0, to: 255, roundMs: 120_000 })
  expect(Math.max(...asked)).toBe(2_000)
  expect(turns.stuck).toBeLessThan(7)
  expect(turns.healthy).toBeGreaterThan(100)
})
