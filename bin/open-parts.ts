import { readFile } from 'node:fs/promises'
import { Client, Connection } from '@temporalio/client'
import type { Cluster, Redis } from 'ioredis'
import type { Registry } from 'prom-client'
import type { Catalogue } from '../credits/catalogue.ts'
import { formatCatalogueErrors, parseCatalogue } from '../credits/parse-catalogue.ts'
import { compilePrices, type PriceBook } from '../credits/prices.ts'
import type { JournalLocation } from '../journal/database.ts'
import type { Journal } from '../journal/journal.ts'
import { createRegistry } from '../gateway/service.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { createAccountLedger } from '../middleware/account-ledger.ts'
import type { Accounts } from '../middleware/accounts.ts'
import { systemClock } from '../middleware/clock.ts'
import { createMailer, type Mailer, type MailerOptions } from '../middleware/mail/mailer.ts'
import { createLedgerMetrics } from '../middleware/metrics.ts'
import type { AccountLoader } from '../middleware/load-account.ts'
import { openJournalStore, openLedgerRedis } from '../middleware/open-stores.ts'
import type { Log } from './log.ts'
import type { Patience } from './patience.ts'
import { StartError } from './settings.ts'
import { asStartError } from './store-away.ts'

export interface PartsOptions {
  readonly redisUrl: string
  readonly temporal: { readonly address: string; readonly namespace: string }
  /** Being opened: it takes the longest, so it may begin before the others are there. */
  readonly journal: Promise<Journal>
  /** Read before anything is opened: a mistake in it is told at once. */
  readonly catalogue: Catalogue
  /** How far the clocks of gateways and Redis may differ. */
  readonly clockSlackMs: number
  /** Lease of a hold: what a killed gateway's credits stay locked for. */
  readonly holdMs: number
  /** Where providers' keys and addresses are looked up, by the names in the catalogue. */
  readonly environment: NodeJS.ProcessEnv
  readonly mail: MailerOptions
  /** For stores that are away at the start. */
  readonly patience: Patience
  readonly log: Log
}

/** What gateway and worker share: the three stores, the catalogue, and the way to accounts. */
export interface Parts extends Omit<PartsOptions, 'journal' | 'mail'> {
  readonly priceBook: PriceBook
  readonly redis: Redis | Cluster
  readonly ledger: Ledger
  /** The figures of this process, whatever runs in it. */
  readonly registry: Registry
  readonly journal: Journal
  readonly client: Client
  readonly accounts: Accounts
  readonly mailer: Mailer
  readonly loader: AccountLoader
  close(): Promise<void>
}

/**
 * Opens the stores. Redis and PostgreSQL must answer at the start, within its patience; Temporal need not, since calls go on without it.
 * Throws StartError: `ledger_unavailable`, `redis_unfit`, `journal_unavailable`.
 */
export async function openParts(options: PartsOptions): Promise<Parts> {
  const { catalogue } = options
  const [redis, journal] = await bothOrClose(connectLedger(options), options.journal, options.patience)
  const { address, namespace } = options.temporal
  const connection = Connection.lazy({ address, connectTimeout: '5s' })
  const client = new Client({ connection, namespace })
  const registry = createRegistry()
  const { ledger, accounts, loader } = createAccountLedger({
    redis,
    journal,
    client,
    catalogue,
    clockSlackMs: options.clockSlackMs,
    holdMs: options.holdMs,
    clock: systemClock,
    ...createLedgerMetrics(registry),
  })
  const mailer = createMailer(options.mail)
  return {
    ...options,
    priceBook: compilePrices(catalogue),
    redis,
    ledger,
    registry,
    journal,
    client,
    accounts,
    mailer,
    loader,
    async close() {
      mailer.close()
      await connection.close()
      await journal.close()
      // Away or not, it is left
      await ledger.close().catch(() => redis.disconnect())
    },
  }
}

/** How to ask each part whether it answers; each resolves or rejects. */
export function probes({ redis, client, journal }: Parts) {
  return {
    ledger: async () => void (await redis.ping()),
    temporal: async () => void (await client.workflowService.getSystemInfo({})),
    journal: () => journal.ping(),
  }
}

/** Opens a journal; StartError `journal_unavailable` when its database does not answer within the patience, or refuses us. */
export async function openStore(location: JournalLocation, patience: Patience): Promise<Journal> {
  return patience.untilThere('PostgreSQL', () => openJournalStore(location).catch(asStartError))
}

/** Says in the log by which settings of Redis credits could be lost. */
async function connectLedger({ redisUrl, patience, log }: PartsOptions): Promise<Redis | Cluster> {
  const onError = (error: Error): void => log.warn({ err: error }, 'the connection to Redis failed; trying again')
  const { redis, warnings } = await patience.untilThere('Redis', () =>
    openLedgerRedis(redisUrl, { onError }).catch(asStartError),
  )
  for (const { node, setting, advice } of warnings)
    log.warn({ redis: node, setting }, `the Redis at ${node}: ${advice}`)
  return redis
}

/** What is open already is closed again when another part cannot be: an embedded journal must give its folder back. */
async function bothOrClose(
  redis: Promise<Redis | Cluster>,
  journal: Promise<Journal>,
  patience: Patience,
): Promise<[Redis | Cluster, Journal]> {
  try {
    return await Promise.all([redis, journal])
  } catch (error) {
    patience.giveUp()
    await Promise.allSettled([redis.then((open) => open.disconnect()), journal.then((open) => open.close())])
    throw error
  }
}

/** Throws StartError `catalogue_unreadable`, or `catalogue_invalid` with line and path of each mistake. */
export async function readCatalogue(path: string): Promise<Catalogue> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new StartError('catalogue_unreadable', `${path}: ${error instanceof Error ? error.message : String(error)}`)
  })
  const parsed = parseCatalogue(text)
  if (!parsed.ok) throw new StartError('catalogue_invalid', formatCatalogueErrors(parsed.errors, path))
  return parsed.catalogue
}
