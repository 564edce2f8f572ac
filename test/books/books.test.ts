import { expect, inject, test } from 'vitest'
import { startRedis } from '../../bin/stack/redis.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { keepBooks } from './books.ts'

test(
  '20,000 random operations with faults leave books that agree to the micro-credit',
  { timeout: 240_000 },
  async () => {
    const redis = await startRedis()
    const connection = await connectRedis(redis.url)
    const journal = await openJournal({ url: inject('databaseUrl') })
    try {
      const books = await keepBooks({
        redis: connection,
        journal,
        seed: 1,
        operations: 20_000,
        customers: 10,
        losses: 2,
      })
      expect(books.broken).toEqual([])
      expect(books.drifts).toEqual([])
      // It was no quiet day: money ran out, periods ended, accounts came back from the journal.
      expect(books.sums.uncollected).toBeGreaterThan(0)
      expect(books.events.get('epochs_closed')).toBeGreaterThan(0)
    } finally {
      connection.disconnect()
      await journal.close()
      await redis.stop()
    }
  },
)
