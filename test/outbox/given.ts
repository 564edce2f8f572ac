import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { inject } from 'vitest'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import { remainingOf } from '../../credits/balance.ts'
import { chargeId } from '../../credits/charge-id.ts'
import { creditsToMicro, type Micro, toMicro } from '../../credits/money.ts'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { shardOf } from '../../ledger/keys.ts'
import { createLedger, type Ledger, type SettleRequest } from '../../ledger/ledger.ts'
import { systemClock } from '../../middleware/clock.ts'
import { type AccountLoader, createAccountLoader } from '../../middleware/load-account.ts'
import { createOutbox, type Outbox, type OutboxDeps, type OutboxEvent } from '../../middleware/outbox/outbox.ts'
import { openStore, type OutboxStore, type StoreEvent, type StoreOptions } from '../../middleware/outbox/store.ts'
import { detailOf, quantities, row, termsOf } from '../ledger/given.ts'

/** Quick enough for a test to wait for; the order of things is that of production. */
export const quick = {
  tickMs: 25,
  askAfterMs: [25, 25, 50],
  replayAfterMs: 100,
  replayPatienceMs: 2_000,
  takeOverEveryMs: 25,
} as const satisfies OutboxDeps['times']

export interface OpenOptions {
  readonly folder?: string
  readonly store?: Partial<StoreOptions>
  readonly change?: Partial<OutboxDeps>
}

export interface Opened {
  readonly outbox: Outbox
  readonly store: OutboxStore
  readonly events: (OutboxEvent | StoreEvent)[]
}

export interface GivenOutbox {
  readonly redis: Redis
  readonly server: () => RunningRedis
  readonly ledger: Ledger
  readonly journal: Journal
  readonly loader: AccountLoader
  /** Folders of outboxes, one per call. */
  folder(): string
  open(options?: OpenOptions): Promise<Opened>
  /** An account with so many credits, in the ledger. */
  account(credits: number): Promise<string>
  /** What the account may have, from the next load on. */
  grant(accountId: string, credits: number): Promise<void>
  remaining(accountId: string): Promise<Micro>
  held(accountId: string): Promise<Micro>
  /** What the account's work is to cost; the id is new. */
  work(accountId: string, actual: number, id?: string): SettleRequest
  /** Reserves, with the evidence that a just loaded account asks for. */
  reserve(request: SettleRequest, amount: number, ttlMs?: number): Promise<SettleRequest>
  /** What a drain does: all receipts of the account go to the journal. */
  drain(accountId: string): Promise<number>
  /** The Redis is killed and another one, empty, takes its place. */
  loseRedis(): Promise<void>
  close(): Promise<void>
}

/** Outboxes before a Redis of their own and the run's PostgreSQL. The account's workflow is the only part that is played. */
export async function givenOutbox(): Promise<GivenOutbox> {
  let server = await startRedis()
  const redis = await connectRedis(server.url, { commandTimeoutMs: 5_000 })
  const ledger = createLedger(redis, { depletedBelow: toMicro(0) })
  const journal = await openJournal({ url: inject('databaseUrl') })
  const workflows = new Map<string, { version: number; lineage: number; credits: number }>()
  const loader = createAccountLoader({
    ledger,
    journal,
    clock: systemClock,
    accounts: {
      nextLineage: async (accountId) => {
        const workflow = workflows.get(accountId)
        if (workflow === undefined) return { ok: false, code: 'account_unknown', message: accountId }
        workflow.lineage += 1
        return { ok: true, lineage: workflow.lineage, terms: termsFor(workflow), held: toMicro(0) }
      },
    },
  })
  const folders: string[] = []
  const stores: Outbox[] = []

  function newFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-outbox-'))
    folders.push(folder)
    return folder
  }

  function termsFor({ version, credits }: { version: number; credits: number }) {
    return termsOf({ version, granted: creditsToMicro(credits) })
  }

  return {
    redis,
    server: () => server,
    ledger,
    journal,
    loader,
    folder: newFolder,
    async open({ folder = newFolder(), store: storeChange = {}, change = {} } = {}) {
      const events: (OutboxEvent | StoreEvent)[] = []
      const onEvent = (event: OutboxEvent | StoreEvent): void => void events.push(event)
      const store = await openStore({ folder, clock: systemClock, leastFreeBytes: 0, onEvent, ...storeChange })
      const outbox = await createOutbox({
        store,
        ledger,
        journal,
        loadAccount: (accountId) => loader.load(accountId),
        clock: systemClock,
        onEvent,
        times: quick,
        ...change,
      })
      stores.push(outbox)
      return { outbox, store, events }
    },
    async account(credits) {
      const accountId = `account-${randomUUID()}`
      workflows.set(accountId, { version: 1, lineage: 0, credits })
      await loader.load(accountId)
      return accountId
    },
    async grant(accountId, credits) {
      const workflow = workflows.get(accountId)!
      workflow.version += 1
      workflow.credits = credits
      await ledger.putTerms(accountId, termsFor(workflow))
    },
    remaining: async (accountId) => remainingOf(await read(accountId)),
    held: async (accountId) => (await read(accountId)).held,
    work: (accountId, actual, id = chargeId(Date.now(), randomUUID())) => ({
      accountId,
      id,
      actual: toMicro(actual),
      row,
      quantities,
      levels: [],
      detail: detailOf(Date.now()),
    }),
    async reserve(request, amount, ttlMs = 60_000) {
      const { accountId, id } = request
      const wanted = { accountId, id, amount: toMicro(amount), minimum: toMicro(amount), ttlMs, row, levels: [] }
      let answer = await ledger.reserve(wanted)
      if (answer.status === 'ask_journal') answer = await ledger.reserve(wanted, { ...answer, found: null })
      if (answer.status !== 'created') throw new Error(`not reserved: ${answer.status}`)
      return { ...request, began: { epoch: answer.epoch, windows: answer.windows } }
    },
    async drain(accountId) {
      const shard = shardOf(accountId)
      const entries = await ledger.receipts(shard, 10_000)
      await journal.storeReceipts(entries.map(({ receipt }) => receipt))
      await ledger.ackReceipts(shard, entries)
      return entries.filter(({ receipt }) => receipt.accountId === accountId).length
    },
    async loseRedis() {
      const { port } = server
      await server.stop()
      server = await startRedis({ port })
      while (redis.status !== 'ready') await new Promise((resolve) => setTimeout(resolve, 10))
    },
    async close() {
      for (const outbox of stores) await outbox.close(0).catch(() => undefined)
      await ledger.close()
      await journal.close()
      await server.stop()
      for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    },
  }

  async function read(accountId: string) {
    const reading = await ledger.read(accountId)
    if (reading.status !== 'loaded') throw new Error('the account is not loaded')
    return reading
  }
}

/** Every file of an outbox's folder, claims left out. */
export function segmentsIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.log') && statSync(join(folder, name)).isFile())
    .toSorted()
    .map((name) => join(folder, name))
}

export function contentOf(folder: string): string {
  return segmentsIn(folder)
    .map((path) => readFileSync(path, 'utf8'))
    .join('')
}
