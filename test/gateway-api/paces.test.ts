import { expect, test } from 'vitest'
import { createPaces } from '../../gateway/api/paces.ts'
import type { UsageQuery } from '../../journal/usage.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import { systemClock } from '../../middleware/clock.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const periodStartMs = Date.UTC(2026, 10, 1)

type Reading = Parameters<ReturnType<typeof createPaces>['of']>[0]
const readingAt = (nowMs: number, spent = 1_000): Reading =>
  ({ epoch: 3, nowMs, spent, card: { accountId: 'ada', periodStartMs } }) as unknown as Reading

/** A journal in which 400 were spent until whatever moment it is asked about. */
function journalOf(answer: () => Promise<number> = () => Promise.resolve(400)) {
  const questions: UsageQuery[] = []
  return {
    questions,
    async usage(_: string, query: UsageQuery) {
      questions.push(query)
      return { sums: [{ charged: await answer() }], complete: true } as never
    },
  }
}

test('of a young period the ledger knows the pace by itself', async () => {
  const journal = journalOf()
  const paces = createPaces(journal, systemClock)
  const reading = readingAt(periodStartMs + 3 * dayMs)
  await paces.learn(reading)
  expect(paces.of(reading)).toEqual({ spent: 1_000, overMs: 3 * dayMs })
  expect(journal.questions).toEqual([])
})

test('of an older one what was spent before the last seven days is the journal’s, asked once an hour', async () => {
  const journal = journalOf()
  const paces = createPaces(journal, systemClock)
  const nowMs = periodStartMs + 10 * dayMs + 1
  expect(paces.of(readingAt(nowMs))).toBeNull()
  await paces.learn(readingAt(nowMs))
  expect(paces.of(readingAt(nowMs))).toEqual({ spent: 600, overMs: 7 * dayMs - hourMs + 1 })
  const later = readingAt(nowMs + hourMs - 1, 1_500)
  await paces.learn(later)
  expect(paces.of(later)).toEqual({ spent: 1_100, overMs: 7 * dayMs })
  expect(journal.questions).toEqual([{ epoch: 3, toMs: periodStartMs + 3 * dayMs + hourMs, groupBy: [] }])
})

test('while the journal is away the pace is not known, nobody waits, and it is not asked by every page', async () => {
  const away = journalOf(() => Promise.reject(new JournalUnavailable('away')))
  const paces = createPaces(away, systemClock)
  const reading = readingAt(periodStartMs + 10 * dayMs)
  for (let page = 0; page < 5; page += 1) await paces.learn(reading)
  expect(paces.of(reading)).toBeNull()
  expect(away.questions).toHaveLength(1)
  const silent = createPaces(
    journalOf(() => new Promise(() => {})),
    { sleep: () => Promise.resolve() },
  )
  await silent.learn(reading)
  expect(silent.of(reading)).toBeNull()
})
