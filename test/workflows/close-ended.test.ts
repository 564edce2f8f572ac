import { expect, test } from 'vitest'
import { createCloseEnded } from '../../activities/close-ended.ts'
import type { ActivityDeps, ReconcileEvent } from '../../activities/deps.ts'
import type { CloseEpoch } from '../../credits/account/messages.ts'
import type { RowKey, RowTotals } from '../../credits/usage-row.ts'
import { row, rowOf } from '../account/given.ts'
import { credits } from './catalogue.ts'
import { silent } from './ledger-stand.ts'

type Rows = Readonly<Record<RowKey, RowTotals>>
const spent = (amount: number): Rows => ({ [rowOf('app')]: row(credits(amount)) })

/** An account in its second period, the first of which has ended and settled with `ledger` spent, in seven receipts. */
function given(change: {
  readonly ledger: Rows | 'left before'
  readonly journal: Rows
  readonly workflow: Rows
  readonly highestN?: number
  readonly gap?: boolean
  readonly drained?: number
  /** The workflow has closed it before: Redis went back in time. */
  readonly cameBack?: boolean
  /** The life that the workflow has issued by the time it is told. */
  readonly issued?: number
}) {
  const seen = { left: [] as object[], closed: [] as Rows[], told: 0, events: [] as ReconcileEvent[] }
  const held = change.ledger !== 'left before'
  const snapshot = {
    status: 'loaded',
    lineage: 2,
    bornIn: 1,
    n: 7,
    drained: change.drained ?? 7,
    epoch: 2,
    earlier: held ? [{ epoch: 1, spent: 1, held: 0, free: 0, counted: 1 }] : [],
    epochs: held ? [{ epoch: 1, rows: change.ledger }] : [],
  }
  const deps = {
    log: silent,
    policies: { largestCorrection: credits(100) },
    count: (event: ReconcileEvent) => void seen.events.push(event),
    ledger: {
      inspect: async () => snapshot,
      closeEpoch: async (_: string, __: number, epoch: number, archivedN?: number) => {
        seen.left.push({ epoch, archivedN })
        return { status: held ? 'closed' : 'absent' }
      },
      putTerms: async () => {
        seen.told += 1
        return { status: 'put' }
      },
    },
    journal: {
      totals: async () => ({
        epochs: [{ epoch: 1, rows: change.journal }],
        budgets: [],
        received: { highestN: change.highestN ?? 7, gap: change.gap ?? false },
      }),
    },
    accounts: {
      view: async () => ({
        ok: true,
        view: { periods: [{ epoch: 1, rows: change.workflow, closed: change.cameBack ?? false }] },
      }),
      closeEpoch: async (_: string, { rows, lineage }: CloseEpoch) => {
        if (lineage !== (change.issued ?? 2)) return { ok: true, status: 'other_lineage', terms: {} }
        seen.closed.push(rows)
        return { ok: true, status: 'closed', terms: {} }
      },
    },
  }
  return { seen, close: () => createCloseEnded(deps as unknown as ActivityDeps)('a', 2, [1]) }
}

test('a period of which ledger and journal say the same leaves Redis and is closed', async () => {
  const { seen, close } = given({ ledger: spent(300), journal: spent(300), workflow: spent(300) })
  expect(await close()).toBe('done')
  expect(seen).toEqual({ left: [{ epoch: 1 }], closed: [spent(300)], told: 1, events: ['epochs_closed'] })
})

test('a journal that was restored around the end of a period does not make its spend carried credits', async () => {
  const { seen, close } = given({ ledger: spent(300), journal: {}, workflow: spent(300), highestN: 2 })
  expect(await close()).toBe('unclosed')
  expect(seen).toEqual({ left: [], closed: [], told: 0, events: ['journal_lost_commits'] })
})

test('a journal that lost receipts and stored newer ones since closes no period', async () => {
  const { seen, close } = given({ ledger: spent(300), journal: spent(300), workflow: spent(300), gap: true })
  expect(await close()).toBe('unclosed')
  expect(seen).toEqual({ left: [], closed: [], told: 0, events: ['journal_lost_commits'] })
})

test('a period whose ledger was lost while it was closed stays open: the next life may hold it again', async () => {
  const { seen, close } = given({ ledger: spent(300), journal: spent(300), workflow: spent(300), issued: 3 })
  expect(await close()).toBe('unclosed')
  expect(seen).toEqual({ left: [{ epoch: 1 }], closed: [], told: 1, events: [] })
})

test('a closed period that came back leaves again, and its archive takes what was booked in it since', async () => {
  const { seen, close } = given({ ledger: spent(310), journal: spent(310), workflow: spent(300), cameBack: true })
  expect(await close()).toBe('done')
  expect(seen).toEqual({ left: [{ epoch: 1, archivedN: 7 }], closed: [spent(310)], told: 1, events: [] })
})

test('a closed period that came back leaves again without a word to the workflow, if that has all of it', async () => {
  const { seen, close } = given({ ledger: spent(200), journal: spent(300), workflow: spent(300), cameBack: true })
  expect(await close()).toBe('done')
  expect(seen).toEqual({ left: [{ epoch: 1, archivedN: 7 }], closed: [], told: 0, events: [] })
})

test('a closed period that came back stays while its ledger begins another life', async () => {
  const { seen, close } = given({
    ledger: spent(310),
    journal: spent(310),
    workflow: spent(300),
    cameBack: true,
    issued: 3,
  })
  expect(await close()).toBe('unclosed')
  expect(seen).toEqual({ left: [], closed: [], told: 1, events: [] })
})

test.each<[string, Parameters<typeof given>[0], readonly ReconcileEvent[]]>([
  [
    'whose ledger differs by more than the largest correction, though the gap is filled',
    { ledger: spent(300), journal: spent(199), workflow: spent(300) },
    ['correction_refused'],
  ],
  [
    'that left Redis before its worker died, of which the workflow has more than the largest correction beyond the journal',
    { ledger: 'left before', journal: spent(199), workflow: spent(300) },
    ['correction_refused'],
  ],
  [
    'whose ledger differs a little: the check corrects it first',
    { ledger: spent(300), journal: spent(299), workflow: spent(300) },
    [],
  ],
  [
    'of which a receipt is on its way to the journal',
    { ledger: spent(300), journal: spent(100), workflow: spent(300), drained: 6 },
    [],
  ],
])('a period %s stays open', async (_, copies, events) => {
  const { seen, close } = given(copies)
  expect(await close()).toBe('unclosed')
  expect(seen).toEqual({ left: [], closed: [], told: 0, events })
})

test('a period that left Redis before its worker died is closed with what the journal has', async () => {
  const { seen, close } = given({ ledger: 'left before', journal: spent(301), workflow: spent(300) })
  expect(await close()).toBe('done')
  expect(seen.closed).toEqual([spent(301)])
})
