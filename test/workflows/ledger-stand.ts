import { inject } from 'vitest'
import { createActivities } from '../../activities/index.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import type { UsageRow } from '../../credits/usage-row.ts'
import { noQuantities } from '../../credits/usage-row.ts'
import type { ReceiptDetail } from '../../credits/receipt.ts'
import { chargeId } from '../../credits/charge-id.ts'
import type { Micro } from '../../credits/money.ts'
import type { Level } from '../../credits/terms.ts'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { createLedger, type Evidence, type Ledger } from '../../ledger/ledger.ts'
import type { Accounts } from '../../middleware/accounts.ts'
import { systemClock } from '../../middleware/clock.ts'
import { createLiveAccounts } from '../../middleware/live-accounts.ts'
import { type AccountLoader, createAccountLoader } from '../../middleware/load-account.ts'
import { catalogue } from './catalogue.ts'
import { createMails } from '../stack/mails.ts'
import { until } from '../stack/until.ts'

/** A Redis of its own, since a reconciler takes all that it finds in one, and the run's journal. */
export interface LedgerStand {
  readonly redis: RunningRedis
  readonly ledger: Ledger
  readonly journal: Journal
  /** As gateways use them: loaded at sign-up, terms put at once. */
  live(accounts: Accounts): { readonly accounts: Accounts; readonly loader: AccountLoader }
  activities(accounts: Accounts, change?: Partial<ActivityDeps>): ReturnType<typeof createActivities>
  /** Resolves when every dirty account has been so for long enough to be reported. */
  aged(): Promise<void>
  /** Resolves when the hold's deadline has passed. */
  overdue(id: string): Promise<void>
  flush(): Promise<void>
  /** Keeps all that Redis holds now; what it hands back brings Redis back to it. */
  remember(): Promise<() => Promise<void>>
  scoreOf(key: string, member: string): Promise<string | null>
  /** One key is gone, as when a lock expires. */
  forget(key: string): Promise<void>
  close(): Promise<void>
}

export const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

export async function openLedgerStand(): Promise<LedgerStand> {
  const redis = await startRedis()
  const connection = await connectRedis(redis.url)
  const ledger = createLedger(connection, { depletedBelow: catalogue.policies.depletedBelow })
  const journal = await openJournal({ url: inject('databaseUrl') })
  const shards = Array.from({ length: 256 }, (_, shard) => shard)
  const pending = (dirtyOlderThanMs: number) => ledger.pending(shards, { dirtyOlderThanMs, perShard: 100 })
  const dirty = async (olderThanMs: number) =>
    (await pending(olderThanMs)).reduce((count, shard) => count + shard.dirty.length, 0)
  return {
    redis,
    ledger,
    journal,
    live(accounts) {
      const loader = createAccountLoader({ ledger, accounts, journal, clock: systemClock })
      return {
        loader,
        accounts: createLiveAccounts({
          accounts,
          ledger,
          loader,
          onNotLive: (_, error) => {
            console.error(error)
          },
        }),
      }
    },
    activities: (accounts, change = {}) =>
      createActivities({
        ledger,
        journal,
        accounts,
        policies: catalogue.policies,
        reportAfterMs: 2_000,
        wakeRun: () => Promise.resolve('gone'),
        mailer: createMails().mailer,
        clock: systemClock,
        log: silent,
        ...change,
      }),
    async aged() {
      await until(async () => (await dirty(2_000)) === (await dirty(0)))
    },
    async overdue(id) {
      await until(async () => (await pending(0)).some(({ due }) => due.some((each) => each.id === id)))
    },
    flush: async () => void (await connection.flushall()),
    async remember() {
      const keys = await connection.keys('*')
      const kept = await Promise.all(
        keys.map(async (key) => ({ key, ttl: await connection.pttl(key), value: await connection.dumpBuffer(key) })),
      )
      return async () => {
        await connection.flushall()
        for (const { key, ttl, value } of kept) await connection.restore(key, Math.max(0, ttl), value)
      }
    },
    scoreOf: (key, member) => connection.zscore(key, member),
    forget: async (key) => void (await connection.del(key)),
    async close() {
      await ledger.close()
      await journal.close()
      await redis.stop()
    },
  }
}

export const appRow: UsageRow = {
  category: 'tool_calls',
  tier: '',
  model: '',
  item: 'app',
  employee: 'bo',
  organization: '',
}
export const detail: ReceiptDetail = {
  messageId: '',
  task: '',
  purpose: '',
  provider: '',
  pricedAs: '',
  catalogueVersion: 'test',
  priceVersion: 'test',
  startedAtMs: 0,
  durationMs: 0,
  outcome: 'finished',
  estimated: false,
  lines: [],
}

let spends = 0

/** A reserve, which a just loaded account asks the journal about: it has nothing of a new id. */
export async function hold(
  ledger: Ledger,
  accountId: string,
  amount: Micro,
  ttlMs = 60_000,
  levels: readonly Level[] = [],
): Promise<string> {
  const id = chargeId(Date.now(), `spend-${(spends += 1)}`)
  const request = { accountId, id, amount, minimum: amount, ttlMs, row: appRow, levels }
  let answer = await ledger.reserve(request)
  if (answer.status === 'ask_journal') answer = await ledger.reserve(request, nothingFound(answer))
  if (answer.status !== 'created') throw new Error(`not reserved: ${answer.status}`)
  return id
}

export async function settle(
  ledger: Ledger,
  accountId: string,
  id: string,
  actual: Micro,
  levels: readonly Level[] = [],
): Promise<void> {
  const answer = await ledger.settle({
    accountId,
    id,
    actual,
    row: appRow,
    quantities: { ...noQuantities, units: 1 },
    levels,
    detail,
  })
  if (answer.status !== 'settled') throw new Error(`not settled: ${answer.status}`)
}

export async function spend(
  ledger: Ledger,
  accountId: string,
  amount: Micro,
  levels: readonly Level[] = [],
): Promise<void> {
  await settle(ledger, accountId, await hold(ledger, accountId, amount, 60_000, levels), amount, levels)
}

function nothingFound({ lineage, nowMs }: { readonly lineage: number; readonly nowMs: number }): Evidence {
  return { lineage, nowMs, found: null }
}
