import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import type { Redis } from 'ioredis'
import { createActivities } from '../../activities/index.ts'
import type { Drift, ReconcileEvent } from '../../activities/deps.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import type { Journal } from '../../journal/journal.ts'
import { shardCount } from '../../ledger/keys.ts'
import { createLedger, LedgerUnavailable } from '../../ledger/ledger.ts'
import { TemporalUnavailable } from '../../middleware/accounts.ts'
import { systemClock } from '../../middleware/clock.ts'
import { createAccountLoader } from '../../middleware/load-account.ts'
import { policies, signUpCommand } from '../account/given.ts'
import { createRandom } from '../model/random.ts'
import { createMails } from '../stack/mails.ts'
import { until } from '../stack/until.ts'
import { auditAccount, type Sums } from './audit.ts'
import { createCustomer, type Customer } from './customer.ts'
import { faulty } from './faulty.ts'
import { createMemoryAccounts } from './memory-accounts.ts'

export interface BooksOptions {
  readonly redis: Redis
  readonly journal: Journal
  readonly seed: number
  readonly operations: number
  readonly customers: number
  /** How often all that Redis holds is lost. */
  readonly losses: number
  readonly say?: (line: string) => void
}

export interface Books {
  readonly operations: number
  /** Over all accounts, µcr. */
  readonly sums: Sums
  /** Of how many accounts the books do not agree, and how. */
  readonly broken: readonly string[]
  readonly drifts: readonly Drift[]
  readonly events: ReadonlyMap<ReconcileEvent, number>
}

/**
 * Of the calls that a faulty part gets, this part is lost, of this part the answers are, and this part comes twice. A pass of the worker makes some hundred calls, and
 * begins anew after one that failed.
 */
const faultChance = { customers: 0.01, worker: 0.0005 }

/**
 * Random operations of many accounts at once, against the accounts' own rules, a real Redis and a real PostgreSQL, with Tollgate's own drain, sweep, reconciliation and check beside
 * them. Calls and answers are lost, things come twice or late, rounds are cut off, and Redis is emptied. Then all of it must agree to the micro-credit.
 */
export async function keepBooks({
  redis,
  journal,
  seed,
  operations,
  customers: count,
  losses,
  say,
}: BooksOptions): Promise<Books> {
  const random = createRandom(seed)
  const drifts: Drift[] = []
  const events = new Map<ReconcileEvent, number>()
  const accounts = createMemoryAccounts()
  const ledger = createLedger(redis, { depletedBelow: policies.depletedBelow })
  const shakyParts = (chance: number) => ({
    ledger: faulty(ledger, { random, chance, lost: (what) => new LedgerUnavailable(what) }),
    journal: faulty(journal, { random, chance, lost: (what) => new JournalUnavailable(what) }),
    accounts: faulty(accounts, { random, chance, lost: (what) => new TemporalUnavailable(what) }),
  })
  const shaky = shakyParts(faultChance.customers)
  const loader = createAccountLoader({ ...shaky, clock: systemClock })
  const answers = {
    findCharge: (accountId: string, id: string) => shaky.journal.findCharge(accountId, id),
    loadAccount: (accountId: string) => loader.load(accountId),
    clock: { sleep: (ms: number) => systemClock.sleep(Math.min(ms, 10)) },
  }
  const ids = Array.from({ length: count }, (_, index) => `books-${seed}-${process.pid}-${index}`)
  const customers = ids.map((accountId, index) => {
    accounts.open(signUpCommand({ accountId, email: `${accountId}@example.com` }))
    return createCustomer({
      accountId,
      accounts,
      ledger: shaky.ledger,
      answers,
      random: createRandom(seed * 1_000 + index),
    })
  })

  const activities = createActivities({
    ...shakyParts(faultChance.worker),
    policies: { largestCorrection: policies.depletedBelow },
    wakeRun: () => Promise.resolve('gone'),
    mailer: createMails().mailer,
    clock: { ...systemClock, sleep: (ms) => systemClock.sleep(Math.min(ms, 20)) },
    evictAfterMs: null,
    log: quiet,
    count: (event, by) => void events.set(event, (events.get(event) ?? 0) + by),
    drift: (drift) => void drifts.push(drift),
  })
  const worker = startWorker(activities, () => random.chance(0.05))

  let done = 0
  const share = Math.ceil(operations / (losses + 1))
  for (let lost = 0; lost <= losses; lost += 1) {
    const until_ = Math.min(operations, done + share)
    await Promise.all(
      customers.map(async (customer) => {
        while (done < until_) {
          done += 1
          await customer.step()
          if (done % 50_000 === 0 && done < until_) say?.(`${done} operations`)
        }
      }),
    )
    if (lost < losses) {
      await drained()
      say?.('Redis is emptied')
      await redis.flushall()
    }
  }
  await Promise.all(customers.map((customer) => customer.finish()))
  say?.('all calls have ended; the books are closed')
  const broken = await settledDown()
  await worker.stop()
  return { operations: done, sums: sumOf(customers), broken, drifts, events }

  /** Every receipt is in the journal: what a lost Redis then takes along is what was held. */
  async function drained(): Promise<void> {
    await until(async () => {
      const pending = await ledger.pending(allShards, { dirtyOlderThanMs: 0, perShard: 1 })
      return pending.every(({ receipts }) => receipts === 0)
    }, 600_000)
  }

  /** Until they agree, or three minutes after the last receipt has reached the journal: then what does not. */
  async function settledDown(): Promise<readonly string[]> {
    await drained()
    let broken: readonly string[] = ['nothing was looked at']
    const endMs = Date.now() + 180_000
    while (broken.length > 0 && Date.now() < endMs) {
      const found: string[] = []
      // One after the other: all at once would wait too long for a connection.
      for (const { accountId, truth } of customers)
        found.push(...(await auditAccount({ accountId, truth, accounts, ledger, journal })))
      broken = found
    }
    return broken
  }

  function sumOf(all: readonly Customer[]): Sums {
    return all.reduce(
      (sums, { truth }) => ({
        kept: sums.kept + total(truth.kept.values()),
        charged: sums.charged + total(truth.charged.values()),
        uncollected: sums.uncollected + total(truth.uncollected.values()),
      }),
      { kept: 0, charged: 0, uncollected: 0 },
    )
  }
}

const total = (amounts: Iterable<number>): number => [...amounts].reduce((sum, each) => sum + each, 0)
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
const allShards = Array.from({ length: shardCount }, (_, shard) => shard)

/** Tollgate's worker: its long activities, one after the other each, cut off now and then as by a kill. */
function startWorker(activities: ReturnType<typeof createActivities>, dies: () => boolean) {
  let stopped = false
  const round = { from: 0, to: shardCount - 1, roundMs: 50 }
  const names = ['drainReceipts', 'sweepHolds', 'reconcileAccounts', 'checkAccounts'] as const
  const loops = names.map(async (name) => {
    while (!stopped) {
      const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })
      if (dies()) setTimeout(() => environment.cancel(), 10)
      await environment.run(activities[name], round).catch(() => undefined)
    }
  })
  return {
    async stop(): Promise<void> {
      stopped = true
      await Promise.all(loops)
    },
  }
}
