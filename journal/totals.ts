import { and, between, desc, eq, inArray, max, sql, type SQL } from 'drizzle-orm'
import { birthOf } from '../credits/charge-id.ts'
import type { Micro } from '../credits/money.ts'
import type { Level } from '../credits/terms.ts'
import { quantityNames, type RowKey, type RowTotals } from '../credits/usage-row.ts'
import type { Database } from './database.ts'
import { entries, lineages, rowTotals, windowTotals } from './schema.ts'
import { rowsOf, type Statements } from './statements.ts'
import { storableText } from './storable-text.ts'
import { wholeNumber } from './whole-number.ts'

/**
 * Sums of every charge of an account. A row's amounts may be negative where an adjustment was booked in an epoch or row that did not see
 * the first charge: the sum over all of them is exact.
 */
export interface JournalTotals {
  /** Ascending. */
  readonly epochs: readonly { readonly epoch: number; readonly rows: Readonly<Record<RowKey, RowTotals>> }[]
  /** The 10,000 that changed last, and as many of the levels asked for. Below zero where an adjustment came into a window that did not see the first charge. */
  readonly budgets: readonly { readonly level: Level; readonly window: string; readonly spent: number }[]
  /** The latest birth among the ids of all its charges, ms since epoch; 0 without any. */
  readonly newestBirthMs: number
  /** The database's clock, ms since epoch. */
  readonly nowMs: number
  readonly received: Received
}

/** What has come of the receipts of some lives of an account in Redis, receipts that changed nothing included. */
export interface Received {
  /** 0 without any. */
  readonly highestN: number
  /** One came without the one before it: the journal has lost commits. */
  readonly gap: boolean
}

export interface TotalsOf {
  /** Whose windows must be among them, however many others changed since: those with a budget. */
  readonly levels?: readonly Level[]
  /** Rows of these epochs only; windows have none. */
  readonly epochs?: readonly number[]
  /** As if the receipts of this life with a higher number had not come: what a ledger that had `aboveN` receipts then must read. */
  readonly without?: { readonly lineage: number; readonly aboveN: number }
  /** The lives that `received` tells of, none unless given. The first of them must be one that began with a hydrate. */
  readonly receivedOf?: LineageRange
}

/** Both ends included. */
export interface LineageRange {
  readonly from: number
  readonly to: number
}

const mostRows = 50_000
/** What `totals` answers at most: a list of this length may lack some. */
export const mostWindows = 10_000

/** See Journal.totals. */
export function readTotals(database: Database, accountId: string, of: TotalsOf = {}): Promise<JournalTotals> {
  const account = storableText(accountId)
  // One moment: a drain that commits between the reads must be in all of them or in none.
  return database.transaction('snapshot', async (statements) => {
    const epochs = await readRows(statements, account, of)
    const windows = await readWindows(statements, account)
    if (of.levels !== undefined && of.levels.length > 0)
      for (const [name, one] of await readWindows(statements, account, of.levels)) windows.set(name, one)
    const newest = await readNewestBirth(statements, account)
    const received = await readReceived(statements, account, of.receivedOf)
    if (of.without !== undefined) {
      const later = sql`account_id = ${account} and lineage = ${of.without.lineage} and n > ${of.without.aboveN}`
      await withoutRows(statements, epochs, later)
      await withoutWindows(statements, windows, later)
    }
    return {
      epochs: [...epochs].map(([epoch, rows]) => ({ epoch, rows })),
      budgets: [...windows.values()],
      ...newest,
      received,
    }
  })
}

type EpochTotals = Map<number, Record<RowKey, RowTotals>>
type WindowTotals = Map<string, { readonly level: Level; readonly window: string; spent: number }>

async function readRows(statements: Statements, account: string, of: TotalsOf): Promise<EpochTotals> {
  const rows = await statements
    .select()
    .from(rowTotals)
    .where(
      and(
        eq(rowTotals.accountId, account),
        of.epochs === undefined ? undefined : inArray(rowTotals.epoch, [...of.epochs]),
      ),
    )
    .orderBy(rowTotals.epoch, rowTotals.row)
    .limit(mostRows + 1)
  // A sum that leaves some out would be spent twice.
  if (rows.length > mostRows)
    throw new RangeError(`more than ${mostRows} usage rows of account ${account}: ask for the open epochs only`)
  const epochs: EpochTotals = new Map()
  for (const { accountId: _, epoch, row, charged, uncollected, ...quantities } of rows) {
    const ofEpoch = epochs.get(epoch) ?? {}
    ofEpoch[row] = { charged: charged as Micro, uncollected: uncollected as Micro, ...quantities }
    epochs.set(epoch, ofEpoch)
  }
  return epochs
}

async function readWindows(statements: Statements, account: string, levels?: readonly Level[]): Promise<WindowTotals> {
  const windows = await statements
    .select({ level: windowTotals.level, window: windowTotals.window, spent: windowTotals.spent })
    .from(windowTotals)
    .where(
      and(
        eq(windowTotals.accountId, account),
        levels === undefined ? undefined : inArray(windowTotals.level, levels.map(storableText)),
      ),
    )
    .orderBy(desc(windowTotals.changedSerial), windowTotals.level, windowTotals.window)
    .limit(mostWindows)
  return new Map(windows.map((one) => [`${one.level}|${one.window}`, one]))
}

/** An id begins with its birth, in digits that sort as their numbers do: one look at the end of the account's part of an index. */
async function readNewestBirth(
  statements: Statements,
  account: string,
): Promise<Pick<JournalTotals, 'newestBirthMs' | 'nowMs'>> {
  const [newest] = await statements
    .select({ id: max(entries.id), nowMs: sql`floor(extract(epoch from clock_timestamp()) * 1000)::bigint` })
    .from(entries)
    .where(eq(entries.accountId, account))
  return { newestBirthMs: newest?.id == null ? 0 : birthOf(newest.id), nowMs: wholeNumber(newest?.nowMs) }
}

async function readReceived(statements: Statements, account: string, range?: LineageRange): Promise<Received> {
  let highest = 0
  let gap = false
  if (range === undefined) return { highestN: highest, gap }
  const lives = await statements
    .select({ firstN: lineages.firstN, highestN: lineages.highestN, gap: lineages.gap })
    .from(lineages)
    .where(and(eq(lineages.accountId, account), between(lineages.lineage, range.from, range.to)))
    .orderBy(lineages.lineage)
  for (const life of lives) {
    // A hydrate counts from one; a repair goes on counting, at most from where the life before it was.
    gap ||= life.gap || (life.firstN ?? 1) > highest + 1
    highest = Math.max(highest, life.highestN)
  }
  return { highestN: highest, gap }
}

async function withoutRows(statements: Statements, epochs: EpochTotals, later: SQL): Promise<void> {
  const sums = await rowsOf(
    statements,
    sql`select epoch, row_key, sum(added_charged) as charged, sum(added_uncollected) as uncollected, sum(added_units) as units,
        sum(added_input_tokens) as "inputTokens", sum(added_cached_tokens) as "cachedTokens", sum(added_output_tokens) as "outputTokens",
        sum(added_reasoning_tokens) as "reasoningTokens"
      from ${entries} where ${later} group by epoch, row_key`,
  )
  for (const sum of sums) {
    const rows = epochs.get(wholeNumber(sum['epoch']))
    const key = String(sum['row_key'])
    // Of an epoch that was not asked for.
    if (rows?.[key] === undefined) continue
    const totals: Record<string, number> = { ...rows[key] }
    for (const name of ['charged', 'uncollected', ...quantityNames])
      totals[name] = totals[name]! - wholeNumber(sum[name])
    rows[key] = totals as unknown as RowTotals
  }
}

async function withoutWindows(statements: Statements, windows: WindowTotals, later: SQL): Promise<void> {
  const sums = await rowsOf(
    statements,
    // A charge that names a window twice counts in it once.
    sql`select named."window", sum(added_charged) as charged
      from ${entries} cross join lateral (select distinct unnest(windows) as "window") as named where ${later} group by named."window"`,
  )
  for (const sum of sums) {
    const window = windows.get(String(sum['window']))
    if (window !== undefined) window.spent -= wholeNumber(sum['charged'])
  }
}

/** See Journal.highestN. */
export async function highestN(database: Database, accountId: string, { from, to }: LineageRange): Promise<number> {
  const [lives] = await database.query((statements) =>
    statements
      .select({ n: max(lineages.highestN) })
      .from(lineages)
      .where(and(eq(lineages.accountId, storableText(accountId)), between(lineages.lineage, from, to))),
  )
  return lives?.n ?? 0
}
