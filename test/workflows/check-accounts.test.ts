import { MockActivityEnvironment } from '@temporalio/testing'
import { describe, expect, test } from 'vitest'
import { createCheckAccounts } from '../../activities/check-accounts.ts'
import type { ActivityDeps, ReconcileEvent } from '../../activities/deps.ts'
import { toMicro } from '../../credits/money.ts'
import { LedgerUnavailable } from '../../ledger/ledger.ts'
import { row, rowOf } from '../account/given.ts'
import { silent } from './ledger-stand.ts'
import { turnedClock } from './turned-clock.ts'

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

const quiet = { now: () => 0, sleep: async () => undefined, every: () => () => undefined }

/** A check of accounts of which all three say the same, but for what `change` says. */
function given(change: {
  readonly ledger?: object
  readonly accounts?: object
  readonly journal?: object
  readonly clock?: ActivityDeps['clock']
}) {
  const events: ReconcileEvent[] = []
  const ledger = {
    identity: async () => 'one',
    unchecked: async () => ['a'],
    read: async () => ({ ...reading, earlier: [] }),
    inspect: async () => ({ ...snapshot, earlier: [], epochs: [], budgets: [], card: { timeZone: 'UTC' } }),
    noteChecked: async () => undefined,
    putTerms: async () => ({ status: 'older' }),
    ...change.ledger,
  }
  const journal = {
    newestSerial: async () => 0,
    highestN: async () => 0,
    totals: async () => ({ epochs: [], budgets: [], received: { highestN: 0, gap: false } }),
    ...change.journal,
  }
  const accounts = {
    view: async () => ({ ok: true, view: { lineage: 1, seq: 1, terms, periods: [] } }),
    ...change.accounts,
  }
  const deps = {
    ledger,
    journal,
    accounts,
    clock: change.clock ?? quiet,
    log: silent,
    count: (event: ReconcileEvent) => void events.push(event),
    policies: { largestCorrection: 0 },
  }
  const check = createCheckAccounts(deps as unknown as ActivityDeps)
  return { events, run: (roundMs = 0) => new MockActivityEnvironment().run(check, { from: 0, to: 255, roundMs }) }
}

test('a period that its reconciler found unsettled before it died is closed by the check, though nobody works any more', async () => {
  const left: number[] = []
  const closed: number[] = []
  const { run } = given({
    ledger: {
      read: async () => reading,
      inspect: async () => ({ ...snapshot, epochs: [], budgets: [], card: { timeZone: 'UTC' } }),
      closeEpoch: async (_: string, __: number, epoch: number) => {
        left.push(epoch)
        return { status: 'closed' }
      },
    },
    accounts: {
      closeEpoch: async (_: string, { epoch }: { epoch: number }) => {
        closed.push(epoch)
        return { ok: true, status: 'closed', terms }
      },
    },
  })
  await run()
  expect({ left, closed }).toEqual({ left: [1], closed: [1] })
  // Checked and unchanged: it may have been too early before.
  await run()
  expect(left).toEqual([1, 1])
})

describe('a period that left Redis before its reconciler died', () => {
  const spent = (amount: number) => ({ [rowOf('app')]: row(toMicro(amount)) })
  async function checked({
    workflow = spent(5),
    journal = spent(5),
    held = false,
    gap = false,
    status = 'closed',
  }: {
    readonly workflow?: object
    readonly journal?: object
    readonly held?: boolean
    readonly gap?: boolean
    readonly status?: string
  }) {
    const closed: object[] = []
    const { events, run } = given({
      ledger: {
        inspect: async () => ({
          ...snapshot,
          earlier: held ? snapshot.earlier : [],
          epochs: held ? [{ epoch: 1, rows: workflow }] : [],
          budgets: [],
          card: { timeZone: 'UTC' },
        }),
        closeEpoch: async () => ({ status: 'absent' }),
      },
      journal: {
        totals: async () => ({ epochs: [{ epoch: 1, rows: journal }], budgets: [], received: { highestN: 0, gap } }),
      },
      accounts: {
        view: async () => ({
          ok: true,
          view: { lineage: 1, seq: 1, terms, periods: [{ epoch: 1, rows: workflow, closed: false }] },
        }),
        closeEpoch: async (_: string, command: object) => {
          closed.push(command)
          return { ok: true, status, terms }
        },
      },
    })
    await run()
    return { closed, events }
  }

  test('is closed by the check, with what the journal has', async () => {
    const closing = { epoch: 1, lineage: 1, rows: spent(5) }
    expect(await checked({})).toEqual({ closed: [closing], events: ['epochs_closed', 'accounts_checked'] })
  })

  test('stays open in another life, and is counted as closed by nobody', async () => {
    expect((await checked({ status: 'other_lineage' })).events).toEqual(['accounts_checked'])
  })

  test.each([
    ['while Redis holds it', { held: true }, ['accounts_checked']],
    ['while the journal lacks receipts', { gap: true }, ['journal_lost_commits']],
    ['when the journal says something else', { journal: spent(7) }, ['correction_refused', 'accounts_checked']],
  ])('is not closed %s', async (_, change, events) => {
    expect(await checked(change)).toEqual({ closed: [], events })
  })
})

test('a rolled back account whose check failed once is checked again in seconds, though it is at the end of the queue', async () => {
  const { clock } = turnedClock()
  const queue = ['a']
  let asked = 0
  const { events, run } = given({
    clock,
    ledger: { unchecked: async () => queue.splice(0) },
    accounts: {
      view: async () => {
        if ((asked += 1) === 1) throw new Error('Temporal is away')
        return { ok: true, view: { lineage: 1, seq: 1, terms, periods: [] } }
      },
    },
  })
  await run(10_000)
  expect(events).toEqual(['turn_failed', 'accounts_checked'])
})

test('an account whose workflow does not answer does not slow down the checks of the others', async () => {
  const { clock, advance } = turnedClock()
  const turns = { stuck: 0, healthy: 0 }
  const { run } = given({
    clock,
    ledger: {
      unchecked: async () => ['stuck', 'healthy'],
      // Changed all the time: it is checked in full.
      read: async () => ({ ...reading, earlier: [], version: clock.now() }),
    },
    accounts: {
      view: async (accountId: 'stuck' | 'healthy') => {
        turns[accountId] += 1
        if (accountId === 'healthy') return { ok: true, view: { lineage: 1, seq: 1, terms, periods: [] } }
        await new Promise((resolve) => setImmediate(resolve))
        advance(10_000)
        throw new Error('no answer')
      },
    },
  })
  await run(300_000)
  expect(turns.stuck).toBeLessThan(12)
  expect(turns.healthy).toBeGreaterThan(80)
})

test('while one master of a Cluster is away the accounts of the others are checked', async () => {
  const away = new LedgerUnavailable('a master is away')
  const { events, run } = given({
    ledger: {
      identity: () => Promise.reject(away),
      // It went after it had answered what is to be checked.
      unchecked: async () => ['a', 'b', 'c'],
      read: (accountId: string) => (accountId === 'b' ? Promise.reject(away) : { ...reading, earlier: [] }),
    },
  })
  await run()
  expect(events.toSorted()).toEqual(['accounts_checked', 'accounts_checked', 'turn_failed'])
})

test('after another Redis answered, all accounts are checked at once, and again when the holds that came back with it are over', async () => {
  const { clock } = turnedClock()
  const olderThan: number[] = []
  const { run } = given({
    clock,
    ledger: {
      unchecked: async (_: unknown, { olderThanMs }: { olderThanMs: number }) => {
        olderThan.push(olderThanMs)
        return []
      },
    },
  })
  await run(150_000)
  const all = olderThan.flatMap((ms, pass) => (ms === 0 ? [pass] : []))
  expect(all).toEqual([0, expect.any(Number)])
  // Two leases of a minute, looked at every other second.
  expect(all[1]).toBe(60)
})

test('an identity that could not be asked for is not another Redis', async () => {
  const answers = ['one', undefined, 'one', 'two']
  const { events, run } = given({
    ledger: {
      identity: async () => {
        const answer = answers.shift()
        if (answer === undefined) throw new LedgerUnavailable('a master is away')
        return answer
      },
    },
  })
  for (const _ of [1, 2, 3]) await run()
  expect(events).not.toContain('ledger_replaced')
  await run()
  expect(events).toContain('ledger_replaced')
})
