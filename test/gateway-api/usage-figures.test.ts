import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toMicro } from '../../credits/money.ts'
import { noQuantities, type RowTotals } from '../../credits/usage-row.ts'
import { usageFigures } from '../../gateway/api/usage-figures.ts'
import { creditsOf, type Grouping } from '../../gateway/api/usage-tree.ts'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { newAccount, receiptOf } from '../journal/receipts.ts'

let journal: Journal
beforeAll(async () => void (journal = await openJournal({ memory: true })))
afterAll(() => journal.close())

const dayMs = 86_400_000
/** The second period, in a zone whose days begin at 23:00 UTC. */
const periodStartMs = Date.UTC(2026, 10, 13, 23)
const nowMs = Date.UTC(2026, 10, 16, 12)
const row = 'ai_usage|fast|openai/gpt-5-mini||ada|acme'
const totals = (charged: number): RowTotals => ({ ...noQuantities, charged: toMicro(charged), uncollected: toMicro(0) })

/** An account in its second period, whose first one is still in the ledger or has left it. */
function depsOf(open: Readonly<Record<number, number>>) {
  const card = { periodStartMs, periodEndMs: periodStartMs + 30 * dayMs, timeZone: 'Europe/Rome' }
  const epochs = Object.entries(open).map(([epoch, charged]) => ({
    epoch: Number(epoch),
    rows: { [row]: totals(charged) },
  }))
  const periods = [
    { epoch: 2, startMs: periodStartMs, endMs: card.periodEndMs },
    { epoch: 1, startMs: periodStartMs - 31 * dayMs, endMs: periodStartMs },
  ]
  return {
    journal,
    ledger: { inspect: () => Promise.resolve({ status: 'loaded', epoch: 2, version: 7, card, epochs }) },
    loader: { load: () => Promise.resolve('loaded'), forget: () => {} },
    accounts: { view: () => Promise.resolve({ ok: true, view: { periods } }) },
    clock: { now: () => nowMs },
  } as unknown as Parameters<typeof usageFigures>[0]
}

const sumOfDays = (days: Awaited<ReturnType<typeof usageFigures>>['days']): number =>
  (days ?? []).flatMap(({ byKey }) => Object.values(byKey)).reduce((total, amount) => total + amount, 0)

/** 100 in the first period; in the second 30 on its first day, 20 on its second; 7 more wait in the stream. */
async function account(): Promise<string> {
  const accountId = newAccount()
  await journal.storeReceipts([
    receiptOf(accountId, 1, { epoch: 1, charged: toMicro(100), atMs: periodStartMs - dayMs }),
    receiptOf(accountId, 2, { epoch: 2, charged: toMicro(30), atMs: periodStartMs }),
    receiptOf(accountId, 3, { epoch: 2, charged: toMicro(20), atMs: periodStartMs + dayMs }),
  ])
  return accountId
}

describe('usage', () => {
  test('of the current period is the ledger’s, its days the journal’s, what waits is today', async () => {
    const figures = await usageFigures(depsOf({ 2: 57 }), await account(), {}, 'category')
    expect(figures).toMatchObject({ version: 7, fromMs: periodStartMs })
    expect(creditsOf(figures.rows)).toBe(57)
    expect(figures.days).toEqual([
      { day: '2026-11-14', byKey: { ai_usage: 30 } },
      { day: '2026-11-15', byKey: { ai_usage: 20 } },
      { day: '2026-11-16', byKey: { ai_usage: 7 } },
    ])
  })

  test('of a period that has left the ledger is the journal’s alone', async () => {
    const figures = await usageFigures(depsOf({ 2: 57 }), await account(), { period: 1 }, 'model')
    expect(creditsOf(figures.rows)).toBe(100)
    expect(figures.days).toHaveLength(31)
    expect(figures.days!.at(-1)).toEqual({ day: '2026-11-13', byKey: { 'openai/gpt-5-mini': 100 } })
    expect(figures.days!.at(-2)).toEqual({ day: '2026-11-12', byKey: {} })
  })

  test('of an earlier period that the ledger still holds has what is not drained', async () => {
    const figures = await usageFigures(depsOf({ 1: 104, 2: 57 }), await account(), { period: 1 }, 'tier')
    expect(creditsOf(figures.rows)).toBe(104)
    expect(sumOfDays(figures.days)).toBe(104)
  })

  test('of a range is what fell on its days, today with what waits', async () => {
    const accountId = await account()
    const of = async (from: string, to: string, groupBy: Grouping = 'employee') => {
      const figures = await usageFigures(depsOf({ 2: 57 }), accountId, { from, to }, groupBy)
      expect(sumOfDays(figures.days)).toBe(creditsOf(figures.rows))
      return creditsOf(figures.rows)
    }
    expect(await of('2026-11-14', '2026-11-14')).toBe(30)
    expect(await of('2026-11-12', '2026-11-15')).toBe(150)
    expect(await of('2026-11-12', '2026-11-16', 'organization')).toBe(157)
    expect(await of('2026-11-16', '2026-11-16', 'category')).toBe(7)
    expect(await of('2026-11-17', '2026-11-20')).toBe(0)
  })
})
