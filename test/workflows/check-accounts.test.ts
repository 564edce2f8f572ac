import { MockActivityEnvironment } from '@temporalio/testing'
import { expect, test } from 'vitest'
import { createCheckAccounts } from '../../activities/check-accounts.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import { silent } from './ledger-stand.ts'

/** An account of which ledger, workflow and journal say the same: nothing, in its second period. */
const reading = {
  status: 'loaded',
  lineage: 1,
  version: 1,
  termsVersion: 1,
  epoch: 2,
  earlier: [{ epoch: 1, spent: 0, held: 0, free: 0, counted: 0 }],
}
const snapshot = { ...reading, bornIn: 1, seq: 1, n: 0, drained: 0, acked: 1, held: 0, quarantine: 0, nowMs: 0 }
const terms = { version: 1, earlier: [] }

test('a period that its reconciler found unsettled before it died is closed by the check, though nobody works any more', async () => {
  const left: number[] = []
  const closed: number[] = []
  const ledger = {
    identity: async () => 'one',
    unchecked: async () => ['a'],
    read: async () => reading,
    inspect: async () => ({ ...snapshot, epochs: [], budgets: [], card: { timeZone: 'UTC' } }),
    noteChecked: async () => undefined,
    putTerms: async () => ({ status: 'older' }),
    closeEpoch: async (_: string, __: number, epoch: number) => {
      left.push(epoch)
      return { status: 'closed' }
    },
  }
  const journal = {
    newestSerial: async () => 0,
    highestN: async () => 0,
    totals: async () => ({ epochs: [], budgets: [] }),
  }
  const accounts = {
    view: async () => ({ ok: true, view: { lineage: 1, seq: 1, terms, periods: [] } }),
    closeEpoch: async (_: string, { epoch }: { epoch: number }) => {
      closed.push(epoch)
      return { ok: true, terms }
    },
  }
  const clock = { now: () => 0, sleep: async () => undefined, every: () => () => undefined }
  const deps = { ledger, journal, accounts, clock, log: silent, policies: { largestCorrection: 0 } }
  const check = createCheckAccounts(deps as unknown as ActivityDeps)
  const pass = () => new MockActivityEnvironment().run(check, { from: 0, to: 255, roundMs: 0 })
  await pass()
  expect({ left, closed }).toEqual({ left: [1], closed: [1] })
  // Checked and unchanged: it may have been too early before.
  await pass()
  expect(left).toEqual([1, 1])
})
