import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { remainingOf } from '../../credits/balance.ts'
import type { Catalogue } from '../../credits/catalogue.ts'
import { creditsToMicro, type Micro, zero } from '../../credits/money.ts'
import { parseCatalogue } from '../../credits/parse-catalogue.ts'
import type { Receipt } from '../../credits/receipt.ts'
import type { Terms } from '../../credits/terms.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { accountKeys, shardOf } from '../../ledger/keys.ts'
import { createLedger, type Ledger } from '../../ledger/ledger.ts'
import { systemClock } from '../../middleware/clock.ts'
import { createCharges } from '../../middleware/create-charges.ts'
import type { Gate } from '../../middleware/gate.ts'
import type { MeterTimes } from '../../middleware/meter.ts'
import { createOutbox } from '../../middleware/outbox/outbox.ts'
import { openStore } from '../../middleware/outbox/store.ts'
import type { Charges } from '../../middleware/temporal/charges.ts'

const parsed = parseCatalogue(readFileSync(new URL('../../catalogue.yaml', import.meta.url), 'utf8'))
if (!parsed.ok) throw new Error('the catalogue of the repository is broken')

/** The repository's own, and the test workflows' activities. */
export const catalogueWithRuntime: Catalogue = {
  ...parsed.catalogue,
  activities: [
    ...parsed.catalogue.activities,
    ...['sendMail', 'fails', 'failsTwice', 'diesOnce', 'drawsImages', 'waits', 'localMail'].map((name) => ({
      name,
      category: 'tool_calls' as const,
      item: 'connected_app',
      price: creditsToMicro(name === 'drawsImages' ? 4 : '0.05'),
      per: 'call',
    })),
    { name: 'searchWeb', free: true },
    { name: 'asksModel', chargedBy: 'gateway' },
  ],
}

/** Without runtime, whose receipts come some time after the work. */
export const catalogue: Catalogue = {
  ...catalogueWithRuntime,
  activities: catalogueWithRuntime.activities.filter(({ name }) => name !== 'compute.runtime'),
}

/** A real gate and outbox on the run's Redis; the journal has nothing, since nobody drains it here. */
export interface Charging {
  readonly charges: Charges
  readonly gate: Gate
  readonly ledger: Ledger
  openAccount(credits: number): Promise<string>
  grant(accountId: string, credits: number): Promise<void>
  /** How many of the account's runs wait for credits. */
  parkedRuns(accountId: string): Promise<number>
  remaining(accountId: string): Promise<number>
  /** Every receipt of an account so far. */
  receipts(accountId: string): Promise<readonly Receipt[]>
  close(): Promise<void>
}

export interface ChargingOptions {
  /** Short ones unless given, so that receipts of runtime come soon. */
  readonly meterTimes?: Partial<MeterTimes>
  /** The journal has nothing unless told that it has everything: the outbox then forgets what it sent, and sends nothing again. */
  readonly drained?: boolean
}

export async function openCharging(
  redisUrl: string,
  { meterTimes = { leaseMs: 1_500, lingerMs: 100 }, drained = false }: ChargingOptions = {},
): Promise<Charging> {
  const redis = await connectRedis(redisUrl, { commandTimeoutMs: 10_000 })
  const ledger = createLedger(redis, { depletedBelow: catalogue.policies.depletedBelow })
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-outbox-'))
  const findCharge = () => Promise.resolve(null)
  const loadAccount = () => Promise.resolve('unknown' as const)
  const outbox = await createOutbox({
    store: await openStore({ folder, clock: systemClock, onEvent: () => undefined }),
    ledger,
    journal: { findCharge, settledAmong: (charges) => Promise.resolve(drained ? charges : []) },
    loadAccount,
    clock: systemClock,
  })
  const own = createCharges({
    ledger,
    journal: { findCharge },
    loader: { load: loadAccount },
    outbox,
    clock: systemClock,
    depletedBelow: catalogue.policies.depletedBelow,
    meterTimes,
  })
  const versions = new Map<string, Terms>()
  return {
    charges: own.charges,
    gate: own.gate,
    ledger,
    async openAccount(credits) {
      const accountId = `acct-${randomUUID()}`
      const token = randomUUID()
      const terms = termsOf(accountId, 1, creditsToMicro(credits))
      versions.set(accountId, terms)
      await ledger.lock(accountId, token, 5_000)
      await ledger.hydrate({
        accountId,
        token,
        lineage: 1,
        terms,
        epochs: [],
        budgets: [],
        held: zero,
        newestBirthMs: 0,
        journalNowMs: 0,
      })
      return accountId
    },
    async grant(accountId, credits) {
      const { version, granted } = versions.get(accountId)!
      const terms = termsOf(accountId, version + 1, (granted + creditsToMicro(credits)) as Micro)
      versions.set(accountId, terms)
      await ledger.putTerms(accountId, terms)
    },
    parkedRuns: (accountId) => redis.zcard(accountKeys(accountId).waiters),
    async remaining(accountId) {
      const answer = await ledger.read(accountId)
      if (answer.status !== 'loaded') throw new Error(`account ${accountId} is not loaded`)
      return remainingOf(answer)
    },
    async receipts(accountId) {
      await own.gate.settled()
      await outbox.idle()
      const entries = await ledger.receipts(shardOf(accountId), 10_000)
      return entries.map(({ receipt }) => receipt).filter((receipt) => receipt.accountId === accountId)
    },
    async close() {
      await own.close(5_000)
      await outbox.close(1_000)
      rmSync(folder, { recursive: true, force: true })
      await ledger.close()
    },
  }
}

function termsOf(accountId: string, version: number, granted: Micro): Terms {
  return {
    version,
    epoch: 1,
    granted,
    used: zero,
    earlier: [],
    budgets: [],
    utcOffsetMs: 0,
    alertsAt: [],
    card: {
      accountId,
      plan: 'free',
      planName: 'Free',
      allowance: granted,
      periodStartMs: 0,
      periodEndMs: 4e12,
      timeZone: 'UTC',
      total: granted,
      grants: [],
      employees: [],
    },
  }
}
