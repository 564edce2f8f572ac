import { noQuantities, parseRowKey, quantityNames, type RowTotals, type UsageRow } from '../../credits/usage-row.ts'
import type { UsageDimension, UsageQuery, UsageSum } from '../../journal/usage.ts'
import { billingDays } from './billing-days.ts'
import type { ApiDeps } from './deps.ts'
import { loaded, unlessJournalAway } from './reading.ts'
import { boundsOf, rangeOf, type UsageSelection } from './usage-selection.ts'
import { type BookedRow, type Grouping, keyOf } from './usage-tree.ts'

export interface UsageFigures {
  /** The ledger's version that the figures include. */
  readonly version: number
  readonly fromMs: number
  readonly toMs: number
  readonly timeZone: string
  readonly rows: readonly BookedRow[]
  /** null while the journal is away: which day a charge fell on is known there alone. */
  readonly days: readonly { readonly day: string; readonly byKey: Readonly<Record<string, number>> }[] | null
}

type FigureDeps = Pick<ApiDeps, 'ledger' | 'loader' | 'journal' | 'accounts' | 'clock'>

/**
 * Usage of a period or of days. Open periods are the ledger's rows as they are now, the rest is the journal's; what the journal has not got
 * yet counts as today. The days always sum to the rows.
 */
export async function usageFigures(
  deps: FigureDeps,
  accountId: string,
  selection: UsageSelection,
  groupBy: Grouping,
): Promise<UsageFigures> {
  // The journal is read first and the ledger after it: a receipt on its way between them is then counted once, in the difference.
  const filter = { organization: selection.organization, employee: selection.employee }
  const dimensions = dimensionsFor(groupBy)
  const first = await loaded(() => deps.ledger.inspect(accountId), deps.loader, accountId)
  const { card } = first
  const range = rangeOf(selection, card.timeZone)
  const epoch = range === null ? (selection.period ?? first.epoch) : null
  const bounds = range ?? (await boundsOf(deps, accountId, epoch!, first))
  const days = billingDays(
    bounds.fromMs,
    Math.min(bounds.toMs, Math.max(deps.clock.now(), bounds.fromMs + 1)),
    card.timeZone,
  )
  const open = first.epochs.map((each) => each.epoch)
  const isOpen = epoch === null || open.includes(epoch)
  const time = range === null ? { epoch: epoch! } : { fromMs: range.fromMs, toMs: range.toMs }

  const ask = (query: Omit<UsageQuery, 'groupBy'>, dims: readonly UsageDimension[]) =>
    deps.journal.usage(accountId, { ...filter, ...query, groupBy: dims })
  const includesNow = deps.clock.now() >= bounds.fromMs && deps.clock.now() < bounds.toMs
  const pending = isOpen && (epoch !== null || includesNow)
  const askJournal = async () => {
    const splitAtMs = days.slice(1).map((day) => day.startMs)
    const perDay = await ask({ ...time, splitAtMs }, [groupBy])
    const stored = epoch !== null && isOpen ? null : await ask(time, dimensions)
    const drained = pending
      ? await Promise.all((epoch === null ? open : [epoch]).map((each) => ask({ epoch: each }, dimensions)))
      : []
    return {
      perDay: perDay.sums,
      stored: stored?.sums.map(toRow) ?? [],
      drained: drained.flatMap(({ sums }) => sums.map(toRow)),
    }
  }
  // An open period needs the journal for its days only.
  const journal = epoch !== null && isOpen ? await unlessJournalAway(askJournal()) : await askJournal()
  const live = pending ? await loaded(() => deps.ledger.inspect(accountId), deps.loader, accountId) : first
  const liveRows = live.epochs
    .filter((each) => (epoch === null ? open.includes(each.epoch) : each.epoch === epoch))
    .flatMap((each) => Object.entries(each.rows))
    .map(([key, totals]) => ({ row: parseRowKey(key), totals }))
    .filter(({ row }) => matches(row, filter))
    .map((booked) => project(booked, dimensions))
  const undrained = journal === null || !pending ? [] : merged([...liveRows, ...journal.drained.map(negative)])
  const rows = epoch !== null && isOpen ? merged(liveRows) : merged([...(journal?.stored ?? []), ...undrained])
  return {
    version: live.version,
    fromMs: bounds.fromMs,
    toMs: bounds.toMs,
    timeZone: card.timeZone,
    rows,
    days: journal === null ? null : byDay(days, journal.perDay, undrained, groupBy),
  }
}

/** What a table of this grouping is made of: finer splits are left to the journal, which may have very many of them. */
function dimensionsFor(groupBy: Grouping): readonly UsageDimension[] {
  const base = ['category', 'tier', 'model', 'item'] as const
  return groupBy === 'employee' || groupBy === 'organization' ? ['category', groupBy] : base
}

function matches(
  row: UsageRow,
  { organization, employee }: { organization?: string | undefined; employee?: string | undefined },
): boolean {
  return (
    (organization === undefined || row.organization === organization) &&
    (employee === undefined || row.employee === employee)
  )
}

const noRow: UsageRow = { category: 'ai_usage', tier: '', model: '', item: '', employee: '', organization: '' }

function toRow({ key, slot: _, ...totals }: UsageSum): BookedRow {
  return { row: { ...noRow, ...key } as UsageRow, totals }
}

function project({ row, totals }: BookedRow, dimensions: readonly UsageDimension[]): BookedRow {
  return {
    row: { ...noRow, ...Object.fromEntries(dimensions.map((dimension) => [dimension, row[dimension]])) },
    totals,
  }
}

function negative({ row, totals }: BookedRow): BookedRow {
  return { row, totals: combine(nothing, totals, -1) }
}

const nothing = { ...noQuantities, charged: 0, uncollected: 0 } as RowTotals

function combine(one: RowTotals, other: RowTotals, sign: 1 | -1): RowTotals {
  const names = ['charged', 'uncollected', ...quantityNames] as const
  return Object.fromEntries(names.map((name) => [name, one[name] + sign * other[name]])) as unknown as RowTotals
}

/** Rows of one key become one; what comes to nothing at all is left out. */
function merged(rows: readonly BookedRow[]): readonly BookedRow[] {
  const byKey = new Map<string, BookedRow>()
  for (const { row, totals } of rows) {
    const key = JSON.stringify(row)
    byKey.set(key, { row, totals: combine(byKey.get(key)?.totals ?? nothing, totals, 1) })
  }
  return [...byKey.values()].filter(({ totals }) => Object.values(totals).some((amount) => amount !== 0))
}

function byDay(
  days: readonly { day: string }[],
  sums: readonly UsageSum[],
  undrained: readonly BookedRow[],
  groupBy: Grouping,
): UsageFigures['days'] {
  const buckets = days.map(({ day }) => ({ day, byKey: {} as Record<string, number> }))
  const add = (index: number, key: string, amount: number): void => {
    const bucket = buckets[Math.min(index, buckets.length - 1)]
    if (bucket !== undefined && amount !== 0) bucket.byKey[key] = (bucket.byKey[key] ?? 0) + amount
  }
  for (const sum of sums) add(sum.slot, sum.key[groupBy] ?? '', sum.charged)
  for (const { row, totals } of undrained) add(buckets.length - 1, keyOf(row, groupBy), totals.charged)
  return buckets
}
