import { Client, Connection } from '@temporalio/client'
import { Redis } from 'ioredis'
import { type AccountView, accountWorkflowId, queries } from '../../credits/account/messages.ts'
import { toMicro } from '../../credits/money.ts'
import type { RowTotals } from '../../credits/usage-row.ts'
import type { JournalEntry } from '../../journal/journal-entry.ts'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { shardCount, shardKeys } from '../../ledger/keys.ts'
import { createLedger, type Ledger } from '../../ledger/ledger.ts'
import { type Stand, partNames } from './stand.ts'

/** What one account has come to, according to each of the three that keep it. */
export interface AccountBooks {
  readonly accountId: string
  readonly entries: readonly JournalEntry[]
  /** How often the three-way check has put its ledger right. */
  readonly corrections: number
  readonly ledger: Sums
  readonly journal: Sums
  readonly workflow: Sums
}

export interface Sums {
  readonly charged: number
  readonly uncollected: number
  readonly units: number
  readonly inputTokens: number
  readonly outputTokens: number
}

/**
 * Waits until nothing moves any more: no hold, no receipt on its way, empty outboxes, and ledger, journal and workflow of one mind. Then reads the
 * books. Throws what still moves after `withinMs`.
 */
export async function booksAtRest(stand: Stand, withinMs: number): Promise<readonly AccountBooks[]> {
  const redis = new Redis(stand.redisUrl, { protocol: 2 })
  redis.on('error', () => {})
  const connection = await Connection.connect({ address: stand.temporalAddress })
  const journal = await openJournal({ url: stand.databaseUrl })
  const look: Look = {
    stand,
    redis,
    ledger: createLedger(redis, { depletedBelow: toMicro(0) }),
    journal,
    client: new Client({ connection }),
  }
  try {
    const endMs = Date.now() + withinMs
    for (;;) {
      const moving: string[] = []
      const moves = (what: string): void => void moving.push(what)
      try {
        await onTheWay(look, moves)
        // Queries are work for the worker, which has enough to do while something moves.
        const books = moving.length === 0 ? await lookOnce(look, moves) : []
        if (moving.length === 0) return books
      } catch (error) {
        moves(String(error))
      }
      if (Date.now() > endMs) throw new Error(`not at rest after ${withinMs} ms:\n${moving.join('\n')}`)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  } finally {
    redis.disconnect()
    await Promise.all([connection.close(), journal.close()])
  }
}

/** How many charges were booked in the same moment as another one of their account: by one script, for calls that ran on a tab. */
export function settledTogether(accounts: readonly AccountBooks[]): number {
  const moments = accounts.flatMap(({ entries }) => [
    ...Map.groupBy(
      entries.filter(({ kind }) => kind === 'settled'),
      ({ atMs }) => atMs,
    ).values(),
  ])
  return moments.filter((moment) => moment.length > 1).flat().length
}

interface Look {
  readonly stand: Stand
  readonly redis: Redis
  readonly ledger: Ledger
  readonly journal: Journal
  readonly client: Client
}

async function onTheWay(look: Look, moves: (what: string) => void): Promise<void> {
  const { stand } = look
  for (const part of partNames) if (!stand.isUp(part)) moves(`${part} is not up`)
  if (stand.provider.running() > 0) moves(`the provider is answering ${stand.provider.running()} calls`)
  await Promise.all((['gateway A', 'gateway B', 'worker'] as const).map((part) => outboxOf(stand, part, moves)))
  await shards(look, moves)
}

async function lookOnce(look: Look, moves: (what: string) => void): Promise<readonly AccountBooks[]> {
  const { callers, urls } = look.stand
  // An account that the ledger lost comes back when somebody asks for it.
  await Promise.all(callers.map(({ apiKey }, index) => readBalance(urls[index % 2]!, apiKey)))
  return Promise.all(callers.map(({ accountId }) => accountBooks(look, accountId, moves)))
}

async function readBalance(url: string, apiKey: string): Promise<void> {
  const answer = await fetch(`${url}/credits/v1/balance`, { headers: { authorization: `Bearer ${apiKey}` } })
  await answer.arrayBuffer()
  if (!answer.ok) throw new Error(`a balance cannot be read: ${answer.status}`)
}

async function outboxOf(
  stand: Stand,
  part: Parameters<Stand['metrics']>[0],
  moves: (what: string) => void,
): Promise<void> {
  const depth = /^tollgate_outbox_entries(?:\{[^}]*\})? (\d+)/m.exec(await stand.metrics(part))?.[1]
  if (depth !== '0') moves(`the outbox of ${part} has ${depth} entries`)
}

async function shards({ redis, ledger }: Look, moves: (what: string) => void): Promise<void> {
  const all = Array.from({ length: shardCount }, (_, shard) => shard)
  const pending = await ledger.pending(all, { dirtyOlderThanMs: 0, perShard: 10 })
  for (const { shard, receipts, dirty } of pending) {
    if (receipts > 0) moves(`the stream of shard ${shard} has ${receipts} receipts`)
    for (const accountId of dirty) moves(`${accountId} waits to be reconciled`)
  }
  const deadlines = await Promise.all(all.map((shard) => redis.zrange(shardKeys(shard).deadlines, '0', '-1')))
  for (const hold of deadlines.flat()) moves(`the hold ${hold} is there`)
}

async function accountBooks(
  { ledger, journal, client }: Look,
  accountId: string,
  moves: (what: string) => void,
): Promise<AccountBooks> {
  const snapshot = await ledger.snapshot(accountId)
  if (snapshot.status !== 'loaded') throw new Error(`${accountId} is not loaded`)
  const [totals, view, entries] = await Promise.all([
    journal.totals(accountId),
    client.workflow.getHandle(accountWorkflowId(accountId)).query<AccountView>(queries.view),
    allEntries(journal, accountId),
  ])
  const { held, quarantine, n, drained, seq, acked, corrections } = snapshot
  if (held > 0 || quarantine > 0) moves(`${accountId}: ${held} µcr held, ${quarantine} in quarantine`)
  if (n !== drained) moves(`${accountId}: ${drained} of ${n} receipts drained`)
  if (seq !== acked) moves(`${accountId}: rows of ${acked} instead of ${seq} acknowledged`)
  const books = {
    accountId,
    entries,
    corrections,
    ledger: sumsOf(snapshot.epochs.map(({ rows }) => rows)),
    journal: sumsOf(totals.epochs.map(({ rows }) => rows)),
    workflow: sumsOf(view.periods.map(({ rows }) => rows)),
  }
  if (!sameSums(books.ledger, books.journal) || !sameSums(books.ledger, books.workflow)) {
    const [inLedger, inJournal, inWorkflow] = [books.ledger, books.journal, books.workflow].map(
      ({ charged }) => charged,
    )
    moves(`${accountId}: ${inLedger} µcr in the ledger, ${inJournal} in the journal, ${inWorkflow} in the workflow`)
  }
  return books
}

async function allEntries(journal: Journal, accountId: string): Promise<readonly JournalEntry[]> {
  const entries: JournalEntry[] = []
  for (;;) {
    const more = await journal.receiptsAfter(accountId, entries.at(-1)?.serial ?? 0, 1_000)
    entries.push(...more)
    if (more.length === 0) return entries
  }
}

function sumsOf(epochs: readonly Readonly<Record<string, RowTotals>>[]): Sums {
  const sums = { charged: 0, uncollected: 0, units: 0, inputTokens: 0, outputTokens: 0 }
  for (const rows of epochs) for (const row of Object.values(rows)) for (const name of sumNames) sums[name] += row[name]
  return sums
}

const sumNames = ['charged', 'uncollected', 'units', 'inputTokens', 'outputTokens'] as const

export const sameSums = (one: Sums, other: Sums): boolean => sumNames.every((name) => one[name] === other[name])
