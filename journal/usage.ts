import { and, eq, sql, type SQL } from 'drizzle-orm'
import type { Micro } from '../credits/money.ts'
import type { RowTotals, UsageRow } from '../credits/usage-row.ts'
import { matching, type EntryFilter } from './activity.ts'
import type { Database } from './database.ts'
import { entries, rowTotals } from './schema.ts'
import { rowsOf } from './statements.ts'
import { storableText } from './storable-text.ts'
import { wholeNumber } from './whole-number.ts'

export type UsageDimension = keyof UsageRow

export interface UsageQuery extends EntryFilter {
  /** [] for one sum. */
  readonly groupBy: readonly UsageDimension[]
  /** Ascending moments, 400 at most, that cut time into slots: where each day but the first begins. The billing zone is the caller's business. */
  readonly splitAtMs?: readonly number[] | undefined
}

export interface UsageSum extends RowTotals {
  /** The values grouped by. */
  readonly key: Readonly<Partial<Record<UsageDimension, string>>>
  /** 0 before the first of `splitAtMs`, 1 from the first on, and so forth. */
  readonly slot: number
}

export interface UsageAnswer {
  /** By slot, then the most expensive first. Amounts may be negative where only an adjustment falls into the range. */
  readonly sums: readonly UsageSum[]
  /** false: there were more than 20,000 sums, and the cheapest of the last slots are missing. Group by less. */
  readonly complete: boolean
}

const mostSums = 20_000
const mostSlots = 400
/** As `rowKey` orders them. */
const dimensions = [
  'category',
  'tier',
  'model',
  'item',
  'employee',
  'organization',
] as const satisfies readonly UsageDimension[]

/** See Journal.usage. */
export async function readUsage(database: Database, accountId: string, query: UsageQuery): Promise<UsageAnswer> {
  const groupBy = dimensions.filter((dimension) => query.groupBy.includes(dimension))
  const splits = query.splitAtMs ?? []
  if (splits.length > mostSlots) throw new RangeError(`more than ${mostSlots} slots: ${splits.length}`)
  const wholeEpoch =
    query.epoch !== undefined && query.fromMs === undefined && query.toMs === undefined && splits.length === 0
  const statement = wholeEpoch
    ? sumsOfEpoch(accountId, query, groupBy)
    : sumsOfEntries(accountId, query, groupBy, splits)
  const rows = await database.transaction('report', (statements) => rowsOf(statements, statement))
  const sums = rows.slice(0, mostSums).map((row) => ({
    key: Object.fromEntries(groupBy.map((dimension) => [dimension, String(row[dimension])])),
    slot: wholeNumber(row['slot']),
    charged: wholeNumber(row['charged']) as Micro,
    uncollected: wholeNumber(row['uncollected']) as Micro,
    units: wholeNumber(row['units']),
    inputTokens: wholeNumber(row['input_tokens']),
    cachedTokens: wholeNumber(row['cached_tokens']),
    outputTokens: wholeNumber(row['output_tokens']),
    reasoningTokens: wholeNumber(row['reasoning_tokens']),
  }))
  return { sums, complete: rows.length <= mostSums }
}

/** From the running totals: a few hundred rows, however many charges there were. */
function sumsOfEpoch(accountId: string, query: UsageQuery, groupBy: readonly UsageDimension[]): SQL {
  const part = (dimension: UsageDimension) =>
    sql`split_part(${rowTotals.row}, '|', ${sql.raw(String(dimensions.indexOf(dimension) + 1))})`
  const filters = (['category', 'employee', 'organization'] as const).flatMap((name) => {
    const wanted = query[name]
    return wanted === undefined ? [] : [eq(part(name), storableText(wanted))]
  })
  return grouped({
    keys: groupBy.map((dimension) => ({ dimension, value: part(dimension) })),
    slot: sql`0`,
    prefix: '',
    from: sql`${rowTotals}`,
    where: and(eq(rowTotals.accountId, storableText(accountId)), eq(rowTotals.epoch, query.epoch!), ...filters)!,
  })
}

/** From the entries: `added` is what each of them changed, so any part of them sums exactly. */
function sumsOfEntries(
  accountId: string,
  query: UsageQuery,
  groupBy: readonly UsageDimension[],
  splits: readonly number[],
): SQL {
  return grouped({
    keys: groupBy.map((dimension) => ({ dimension, value: sql`${entries[dimension]}` })),
    slot:
      splits.length === 0
        ? sql`0`
        : sql`width_bucket(${entries.atMs}, ${`{${splits.map(wholeNumber).join(',')}}`}::bigint[])`,
    prefix: 'added_',
    from: sql`${entries}`,
    where: matching(accountId, query)!,
  })
}

interface Grouping {
  readonly keys: readonly { readonly dimension: UsageDimension; readonly value: SQL }[]
  readonly slot: SQL
  readonly prefix: string
  readonly from: SQL
  readonly where: SQL
}

const amounts = [
  'charged',
  'uncollected',
  'units',
  'input_tokens',
  'cached_tokens',
  'output_tokens',
  'reasoning_tokens',
] as const

function grouped({ keys, slot, prefix, from, where }: Grouping): SQL {
  const columns = keys.map(({ dimension, value }) => sql`${value} as ${sql.identifier(dimension)}`)
  // sum() of bigint is numeric: cast back, so that it is read as a whole number or not at all.
  const sums = amounts.map((name) => sql`sum(${sql.identifier(prefix + name)})::bigint as ${sql.identifier(name)}`)
  const list = sql.join([...columns, sql`${slot} as slot`, ...sums], sql`, `)
  const positions = sql.raw(Array.from({ length: keys.length + 1 }, (_, index) => index + 1).join(', '))
  return sql`select * from (select ${list} from ${from} where ${where} group by ${positions}) as summed
    order by slot, charged desc limit ${mostSums + 1}`
}
