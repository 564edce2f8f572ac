import { Client, Connection } from '@temporalio/client'
import type { Catalogue } from '../credits/catalogue.ts'
import type { RedisWarning } from '../ledger/check-redis.ts'
import { createAccountLedger } from './account-ledger.ts'
import { systemClock as clock } from './clock.ts'
import { createCharges } from './create-charges.ts'
import { openJournalStore, openLedgerRedis } from './open-stores.ts'
import { openOutbox } from './outbox/open-outbox.ts'
import type { OutboxEvent } from './outbox/outbox.ts'
import type { StoreEvent } from './outbox/store.ts'
import type { Charges } from './temporal/charges.ts'

export interface ConnectOptions {
  /** The ledger's Redis, or any node of its Cluster: what the gateway has as REDIS_URL. */
  readonly redisUrl: string
  /** The journal's PostgreSQL: DATABASE_URL. */
  readonly databaseUrl: string
  /** Where Tollgate's own worker runs the accounts: TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, by default `default`. */
  readonly temporal: { readonly address: string; readonly namespace?: string }
  readonly catalogue: Catalogue
  /** Made if it is not there. On a disk that outlives the process; processes of one machine may have the same one. */
  readonly outboxFolder: string
  /** HOLD_SECONDS of the gateway. Default one minute. */
  readonly holdMs?: number
  /** CLOCK_SLACK_SECONDS of the gateway. Default one minute. */
  readonly clockSlackMs?: number
  readonly onEvent?: (event: ChargesEvent) => void
}

/** What an operator should hear of. Everything that can heal by itself does. */
export type ChargesEvent =
  | OutboxEvent
  | StoreEvent
  /** By this setting of Redis credits could be lost. */
  | ({ readonly kind: 'redis_warning' } & RedisWarning)
  | { readonly kind: 'redis_connection_failed'; readonly error: Error }
  /** Answered although no replica has confirmed them. */
  | { readonly kind: 'unconfirmed'; readonly settlements: number }
  /** A renewal or an end that the ledger did not hear: the next one makes up for it, or the lease ends by itself. */
  | { readonly kind: 'meter_failed'; readonly meter: string; readonly error: unknown }
  /** Closed, and neither disk nor ledger took these. */
  | { readonly kind: 'settlements_lost'; readonly settlements: number }

export interface ConnectedCharges extends Charges {
  /** Resolves when another process has taken the outbox over, since this one slept: nothing can be charged any more, and the process must be started anew. */
  readonly ended: Promise<void>
  /** Once the workers have stopped. Sees settlements through; what the ledger has not answered is on disk for the next start. */
  close(): Promise<void>
}

/** Settlements under way may take this long at the end; the outbox keeps what is left. */
const drainMs = 10_000
const defaultMs = 60_000

/**
 * Opens all that a worker with the plugin charges with. Redis and PostgreSQL must answer; Temporal need not yet. Rejects with StoreNotOpened, whose `code`
 * is `ledger_unavailable`, `redis_unfit`, `journal_unavailable` or `outbox_unavailable`, and with JournalNotOpened `journal_newer`.
 */
export async function connectCharges(options: ConnectOptions): Promise<ConnectedCharges> {
  const { catalogue, holdMs = defaultMs, clockSlackMs = defaultMs } = options
  const tell = (event: ChargesEvent): void => {
    try {
      options.onEvent?.(event)
    } catch {
      // Whoever listens has their own way of noticing.
    }
  }
  const closers: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    const failures: unknown[] = []
    for (const closer of closers.splice(0).toReversed()) await closer().catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw failures[0]
  }
  try {
    const journal = await openJournalStore({ url: options.databaseUrl })
    closers.push(() => journal.close())
    const { redis, warnings } = await openLedgerRedis(options.redisUrl, {
      onError: (error) => tell({ kind: 'redis_connection_failed', error }),
    })
    for (const warning of warnings) tell({ kind: 'redis_warning', ...warning })
    const { address, namespace = 'default' } = options.temporal
    const connection = Connection.lazy({ address, connectTimeout: '5s' })
    const { ledger, loader, idle } = createAccountLedger({
      redis,
      journal,
      client: new Client({ connection, namespace }),
      catalogue,
      clockSlackMs,
      holdMs,
      clock,
      onUnconfirmed: (settlements) => tell({ kind: 'unconfirmed', settlements }),
    })
    // Away or not, it is left.
    closers.push(() => ledger.close().catch(() => redis.disconnect()))
    // The last of all.
    closers.unshift(() => idle().then(() => connection.close()))
    const { outbox, lost } = await openOutbox({
      ledger,
      journal,
      loader,
      clock,
      onEvent: tell,
      folder: options.outboxFolder,
    })
    const own = createCharges({
      ledger,
      journal,
      loader,
      outbox,
      clock,
      depletedBelow: catalogue.policies.depletedBelow,
      onMeterFailure: (meter, error) => tell({ kind: 'meter_failed', meter, error }),
    })
    closers.push(async () => {
      await own.close(drainMs)
      const { lost: settlements } = await outbox.close(0)
      if (settlements > 0) tell({ kind: 'settlements_lost', settlements })
    })
    let closing: Promise<void> | undefined
    return { ...own.charges, ended: lost, close: () => (closing ??= close()) }
  } catch (error) {
    await close()
    throw error
  }
}
