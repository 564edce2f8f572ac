import { LRUCache } from 'lru-cache'
import { type Pace, paceMs } from '../../credits/projection.ts'
import type { Journal } from '../../journal/journal.ts'
import type { AccountReading } from '../../ledger/ledger.ts'
import type { Clock } from '../../middleware/clock.ts'
import { unlessJournalAway } from './reading.ts'

/** How fast accounts spend. */
export interface Paces {
  /** Of this period's last seven days; null while that is not known. */
  of(reading: AccountReading): Pace | null
  /** Finds out what the ledger alone cannot say. Resolves soon, also while the journal is away: then the pace stays unknown. */
  learn(reading: AccountReading): Promise<void>
}

const rememberedAccounts = 10_000
/** What was spent up to seven days ago changes no more, so the stretch begins at a full hour and is asked for once. */
const hourMs = 3_600_000

/** A page is not kept waiting for longer by a journal that is slow. */
const patienceMs = 300
/** How soon a journal that was away is asked again. */
const askAgainMs = 10_000

/** What the period has spent is the ledger's, live; what of it is older than seven days is asked of the journal. */
export function createPaces(journal: Pick<Journal, 'usage'>, clock: Pick<Clock, 'sleep'>): Paces {
  /** Questions on their way, and those without an answer for as long as nobody asks again. */
  const asked = new LRUCache<string, Promise<void>>({ max: rememberedAccounts, ttl: askAgainMs })
  const known = new LRUCache<string, number>({ max: rememberedAccounts })

  async function ask(key: string, reading: AccountReading, fromMs: number): Promise<void> {
    const { accountId } = reading.card
    const question = { epoch: reading.epoch, toMs: fromMs, groupBy: [] }
    const answer = await unlessJournalAway(journal.usage(accountId, question))
    if (answer !== null)
      known.set(
        key,
        answer.sums.reduce((total, { charged }) => total + charged, 0),
      )
  }

  return {
    of(reading) {
      const { spent, nowMs, card } = reading
      const fromMs = stretchStart(reading)
      if (fromMs === card.periodStartMs) return { spent, overMs: nowMs - fromMs }
      const before = known.get(keyOf(reading, fromMs))
      return before === undefined ? null : { spent: spent - before, overMs: nowMs - fromMs }
    },
    async learn(reading) {
      const fromMs = stretchStart(reading)
      const key = keyOf(reading, fromMs)
      if (fromMs === reading.card.periodStartMs || known.has(key)) return
      let asking = asked.get(key)
      if (asking === undefined) {
        asking = ask(key, reading, fromMs)
        asked.set(key, asking)
      }
      await Promise.race([asking, clock.sleep(patienceMs)])
    },
  }
}

function stretchStart({ nowMs, card }: AccountReading): number {
  const fromMs = Math.ceil((nowMs - paceMs) / hourMs) * hourMs
  return Math.max(card.periodStartMs, fromMs)
}

const keyOf = ({ epoch, card }: AccountReading, fromMs: number): string => `${card.accountId} ${epoch} ${fromMs}`
