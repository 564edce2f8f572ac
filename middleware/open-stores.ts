import type { Cluster, Redis } from 'ioredis'
import type { JournalLocation } from '../journal/database.ts'
import type { Journal } from '../journal/journal.ts'
import { JournalNotOpened, JournalUnavailable } from '../journal/journal-unavailable.ts'
import { openJournal } from '../journal/open-journal.ts'
import type { RedisWarning } from '../ledger/check-redis.ts'
import type { ConnectOptions } from '../ledger/connect.ts'
import { openRedis } from '../ledger/open-redis.ts'
import { RedisUnfit } from '../ledger/redis-unfit.ts'
import { LedgerUnavailable } from '../ledger/unavailable.ts'

/** A store could not be opened: `code` says which, the message where and why, `cause` is what it failed with. */
export class StoreNotOpened extends Error {
  override readonly name = 'StoreNotOpened'
  readonly code: 'ledger_unavailable' | 'redis_unfit' | 'journal_unavailable' | 'outbox_unavailable'
  constructor(code: StoreNotOpened['code'], message: string, cause: unknown) {
    super(message, { cause })
    this.code = code
  }

  /** It did not answer; otherwise it did, or was never asked, and the settings are to be mended. */
  get isOutage(): boolean {
    return this.cause instanceof LedgerUnavailable || this.cause instanceof JournalUnavailable
  }
}

export interface OpenedLedgerRedis {
  readonly redis: Redis | Cluster
  /** Settings by which credits could be lost. */
  readonly warnings: readonly RedisWarning[]
}

/** The Redis, or Cluster, of a ledger. `onError` hears of failures only once it is open. Rejects with StoreNotOpened `ledger_unavailable` or `redis_unfit`. */
export async function openLedgerRedis(
  url: string,
  { onError, ...options }: ConnectOptions = {},
): Promise<OpenedLedgerRedis> {
  // Until then a failure is told by what is thrown.
  let isOpen = false
  try {
    const opened = await openRedis(url, { ...options, onError: (error) => (isOpen ? onError?.(error) : undefined) })
    isOpen = true
    return opened
  } catch (error) {
    const reason = `${withoutPassword(url)}: ${reasonOf(error)}`
    throw error instanceof RedisUnfit
      ? new StoreNotOpened('redis_unfit', reason, error)
      : new StoreNotOpened('ledger_unavailable', `Redis does not answer at ${reason}`, error)
  }
}

/** A journal. Rejects with StoreNotOpened `journal_unavailable`, and with JournalNotOpened where this program must not use it. */
export async function openJournalStore(location: JournalLocation): Promise<Journal> {
  try {
    return await openJournal(location)
  } catch (error) {
    if (error instanceof JournalNotOpened) throw error
    throw new StoreNotOpened('journal_unavailable', `the journal does not answer: ${reasonOf(error)}`, error)
  }
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return 'an address that is no URL'
  const shown = new URL(url)
  shown.password = ''
  return shown.href
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}
