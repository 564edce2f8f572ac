import { MockActivityEnvironment } from '@temporalio/testing'
import { expect, test } from 'vitest'
import type { ActivityDeps } from '../../activities/deps.ts'
import { createReconcileAccounts } from '../../activities/reconcile-accounts.ts'
import type { CloseEpoch, RowsReport } from '../../credits/account/messages.ts'
import type { RowKey, RowTotals } from '../../credits/usage-row.ts'
import { row, rowOf } from '../account/given.ts'
import { credits } from './catalogue.ts'
import { silent } from './ledger-stand.ts'
import { turnedClock } from './turned-clock.ts'

const loaded = {
  status: 'loaded',
  lineage: 1,
  seq: 1,
  termsVersion: 1,
  held: 0,
  quarantine: 0,
  n: 0,
  drained: 0,
  bornIn: 1,
  epoch: 2,
  earlier: [],
  epochs: [],
}
const received = { highestN: 0, gap: false }
/** What a journal and a workflow without anything of the ended period say. */
const nothing = {
  journal: { highestN: async () => 0, totals: async (): Promise<object> => ({ epochs: [], budgets: [], received }) },
  view: async () => ({ ok: true, view: { periods: [] } }),
}
const run = (deps: object, roundMs: number) =>
  new MockActivityEnvironment().run(
    createReconcileAccounts({ log: silent, policies: { largestCorrection: 0 }, ...deps } as unknown as ActivityDeps),
    {
      from: 0,
      to: 255,
      roundMs,
    },
  )

test('an account whose workflow does not answer does not slow down the reports of the others', async () => {
  const { clock, advance } = turnedClock()
  const asked: number[] = []
  const turns = { stuck: 0, healthy: 0 }
  const ledger = {
    pending: async (_: readonly number[], { dirtyOlderThanMs }: { dirtyOlderThanMs: number }) => {
      asked.push(dirtyOlderThanMs)
      return [{ shard: 0, nowMs: 0, receipts: 0, dirty: ['stuck', 'healthy'], due: [] }]
    },
    snapshot: async () => loaded,
    ackRows: async () => undefined,
  }
  const accounts = {
    reconcile: async (accountId: 'stuck' | 'healthy') => {
      turns[accountId] += 1
      if (accountId === 'stuck') {
        // The other has its answer long before this one is given up.
        await new Promise((resolve) => setImmediate(resolve))
        advance(10_000)
        throw new Error('no answer')
      }
      advance(20)
      return { ok: true, status: 'ok', terms: { version: 1, earlier: [] } }
    },
  }
  await run({ clock, ledger, accounts }, 120_000)
  expect(Math.max(...asked)).toBe(4_000)
  expect(turns.stuck).toBeLessThan(7)
  expect(turns.healthy).toBeGreaterThan(100)
})

test('a period that could not be closed while the journal was away is closed later, though nothing is dirty any more', async () => {
  const { clock } = turnedClock()
  const dirty = ['a']
  let asked = 0
  const closed: number[] = []
  const ledger = {
    pending: async () => [{ shard: 0, nowMs: 0, receipts: 0, dirty: dirty.splice(0), due: [] }],
    snapshot: async () => loaded,
    inspect: async () => loaded,
    ackRows: async () => undefined,
    closeEpoch: async () => ({ status: asked === 1 ? 'closed' : 'absent' }),
    putTerms: async () => ({ status: 'put' }),
  }
  const journal = {
    ...nothing.journal,
    totals: async () => {
      if ((asked += 1) === 2) throw new Error('the journal is away')
      return { epochs: [], budgets: [], received }
    },
  }
  const terms = { version: 1, earlier: [{ epoch: 1, free: 0, counted: 0 }] }
  const accounts = {
    view: nothing.view,
    reconcile: async () => ({ ok: true, status: 'ok', terms }),
    closeEpoch: async (_: string, { epoch }: CloseEpoch) => {
      closed.push(epoch)
      return { ok: true, status: 'closed', terms: { version: 2, earlier: [] } }
    },
  }
  await run({ clock, ledger, journal, accounts }, 20_000)
  expect(closed).toEqual([1])
})

test('a period that the workflow has closed and the ledger still holds leaves the ledger', async () => {
  const { clock } = turnedClock()
  const left: number[] = []
  // As it was before it went back in time: a charge is missing, and the workflow has it.
  const old = { ...loaded, earlier: [{ epoch: 1, spent: 5, held: 0, free: 0, counted: 5 }] }
  const rows = { [rowOf('app')]: row(credits(5)) }
  const ledger = {
    pending: async () => [{ shard: 0, nowMs: 0, receipts: 0, dirty: ['a'], due: [] }],
    snapshot: async () => old,
    inspect: async () => old,
    ackRows: async () => undefined,
    closeEpoch: async (_: string, __: number, epoch: number) => {
      left.push(epoch)
      return { status: 'closed' }
    },
    putTerms: async () => ({ status: 'older' }),
  }
  const terms = { version: 1, earlier: [] }
  const accounts = {
    view: async () => ({ ok: true, view: { periods: [{ epoch: 1, rows, closed: true }] } }),
    reconcile: async () => ({ ok: true, status: 'ok', terms }),
    closeEpoch: async () => ({ ok: true, status: 'closed', terms }),
  }
  const journal = { ...nothing.journal, totals: async () => ({ epochs: [{ epoch: 1, rows }], budgets: [], received }) }
  await run({ clock, ledger, journal, accounts }, 1)
  expect(left).toEqual([1])
})

test('an account of a thousand employees fits into a message to its workflow', async () => {
  const { clock } = turnedClock()
  const rows: Record<RowKey, RowTotals> = {}
  for (let employee = 0; employee < 1_000; employee += 1) rows[rowOf('app', `e${employee}`)] = row(credits(1))
  const ended = {
    ...loaded,
    earlier: [{ epoch: 1, spent: credits(1_000), held: 0, free: 0, counted: credits(1_000) }],
    epochs: [{ epoch: 1, rows }],
  }
  const sent: { epochs: RowsReport['epochs']; closed: CloseEpoch['rows'][] } = { epochs: [], closed: [] }
  const ledger = {
    pending: async () => [{ shard: 0, nowMs: 0, receipts: 0, dirty: ['a'], due: [] }],
    snapshot: async () => ({ ...loaded, epochs: [{ epoch: 2, rows }] }),
    inspect: async () => ended,
    ackRows: async () => undefined,
    closeEpoch: async () => ({ status: 'closed' }),
    putTerms: async () => ({ status: 'put' }),
  }
  const terms = { version: 1, earlier: [{ epoch: 1, free: 0, counted: 0 }] }
  const accounts = {
    view: nothing.view,
    reconcile: async (_: string, report: RowsReport) => {
      sent.epochs = report.epochs
      return { ok: true, status: 'ok', terms }
    },
    closeEpoch: async (_: string, command: CloseEpoch) => {
      sent.closed.push(command.rows)
      return { ok: true, terms }
    },
  }
  const journal = { ...nothing.journal, totals: async () => ({ epochs: [{ epoch: 1, rows }], budgets: [], received }) }
  await run({ clock, ledger, journal, accounts }, 1)
  const summed = { [rowOf('app')]: { ...row(credits(1_000)), units: 1_000 } }
  expect(sent).toEqual({ epochs: [{ epoch: 2, rows: summed }], closed: [summed] })
})
