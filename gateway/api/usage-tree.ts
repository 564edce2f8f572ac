import type { Catalogue } from '../../credits/catalogue.ts'
import type { EmployeeCard } from '../../credits/terms.ts'
import { type Category, categories, type RowTotals, type UsageRow } from '../../credits/usage-row.ts'
import { localModels } from './local-models.ts'

export const groupings = ['category', 'tier', 'model', 'employee', 'organization'] as const
export type Grouping = (typeof groupings)[number]

/** One line of a usage table. `quantity` is null where the line adds up unlike things. */
export interface UsageLine {
  readonly key: string
  readonly label: string
  /** µcr. Below zero only where a later adjustment of another period's charge was booked here. */
  readonly credits: number
  readonly quantity: number | null
  readonly unit: string
  readonly local?: boolean
  readonly children?: readonly UsageLine[]
}

/** Words for ids, so that every client shows the same ones. */
export interface Labels {
  readonly tiers: Catalogue['tiers']
  readonly employees: readonly EmployeeCard[]
  readonly isLocal: (model: string) => boolean
}

export function labelsOf(
  catalogue: Pick<Catalogue, 'tiers' | 'providers'>,
  employees: readonly EmployeeCard[],
): Labels {
  return { tiers: catalogue.tiers, employees, isLocal: localModels(catalogue) }
}

/** A usage row read back from its key, with what it came to. */
export interface BookedRow {
  readonly row: UsageRow
  readonly totals: RowTotals
}

export const creditsOf = (rows: readonly BookedRow[]): number =>
  rows.reduce((total, { totals }) => total + totals.charged, 0)

/** The lines of a usage table, largest first, except that categories keep the order of the page and are all there, used or not. */
export function usageTree(rows: readonly BookedRow[], groupBy: Grouping, labels: Labels): readonly UsageLine[] {
  if (groupBy === 'category')
    return categories.map((category) =>
      categoryLine(
        category,
        rows.filter(({ row }) => row.category === category),
        labels,
      ),
    )
  return groups(rows, ({ row }) => keyOf(row, groupBy)).map(([key, members]) => ({
    ...line(key, labelOf(key, groupBy, labels), members),
    ...localMark(key, groupBy, labels),
  }))
}

/** The key of the top-level line that a row falls under: what day buckets are split by. */
export function keyOf(row: UsageRow, groupBy: Grouping): string {
  return row[groupBy]
}

/** Key of the line that takes what has no tier, model, employee or organization: no id is empty. */
export const none = ''

export const categoryLabels = {
  ai_usage: 'AI Usage',
  tool_calls: 'Tool Calls',
  internal: 'Internal',
  compute_runtime: 'Compute Runtime',
  tasks_completed: 'Tasks Completed',
  voice_calls: 'Voice Calls',
} as const satisfies Record<Category, string>

/** Sub-lines that are shown before anything was used. */
const fixedItems: Readonly<Partial<Record<Category, readonly string[]>>> = {
  internal: ['safety', 'memory'],
  voice_calls: ['voice', 'meeting'],
}

const itemLabels: Readonly<Record<string, string>> = {
  safety: 'Safety checks',
  memory: 'Memory processing',
  voice: 'Voice conversations',
  meeting: 'Meeting attendance',
  'image.standard': 'Image generation, standard',
  'image.hd': 'Image generation, HD',
  connected_app: 'Connected apps',
}

export const itemLabel = (item: string): string => itemLabels[item] ?? capitalised(item.replaceAll(/[._]/g, ' '))

function categoryLine(category: Category, rows: readonly BookedRow[], labels: Labels): UsageLine {
  const whole = line(category, categoryLabels[category], rows, category)
  if (category === 'ai_usage') return { ...whole, children: tierLines(rows, labels) }
  if (category === 'compute_runtime' || category === 'tasks_completed') return whole
  const present = groups(rows, ({ row }) => row.item)
  const absent = (fixedItems[category] ?? []).filter((item) => !present.some(([key]) => key === item))
  const lines = [...present, ...absent.map((item) => [item, []] as const)].map(([item, members]) =>
    line(`${category}/${item}`, item === none ? 'Other' : itemLabel(item), members, category),
  )
  return { ...whole, children: lines }
}

function tierLines(rows: readonly BookedRow[], labels: Labels): readonly UsageLine[] {
  const withoutTier = rows.filter(({ row }) => !labels.tiers.some((tier) => tier.id === row.tier))
  const lines = labels.tiers.map((tier) =>
    tierLine(
      tier.id,
      tier.name,
      rows.filter(({ row }) => row.tier === tier.id),
      labels,
    ),
  )
  return withoutTier.length === 0 ? lines : [...lines, tierLine(none, 'Other models', withoutTier, labels)]
}

function tierLine(tier: string, label: string, rows: readonly BookedRow[], labels: Labels): UsageLine {
  const models = groups(rows, ({ row }) => row.model)
  const children = models.map(([model, members]) => ({
    ...line(`ai_usage/${tier}/${model}`, labelOf(model, 'model', labels), members, 'ai_usage'),
    ...localMark(model, 'model', labels),
  }))
  return { ...line(`ai_usage/${tier}`, label, rows, 'ai_usage'), children }
}

function line(key: string, label: string, rows: readonly BookedRow[], category?: Category): UsageLine {
  const only = category ?? onlyCategory(rows)
  return {
    key,
    label,
    credits: creditsOf(rows),
    ...(only === undefined ? { quantity: null, unit: '' } : quantityOf(only, rows)),
  }
}

/** Tokens, milliseconds, tasks or calls: what the category is counted in. */
export function unitOf(category: Category): 'tokens' | 'ms' | 'tasks' | 'calls' {
  if (category === 'ai_usage' || category === 'internal') return 'tokens'
  if (category === 'compute_runtime' || category === 'voice_calls') return 'ms'
  return category === 'tasks_completed' ? 'tasks' : 'calls'
}

function quantityOf(category: Category, rows: readonly BookedRow[]): { quantity: number; unit: string } {
  const unit = unitOf(category)
  const count = ({ totals }: BookedRow): number =>
    unit === 'tokens' ? totals.inputTokens + totals.outputTokens : totals.units
  return { quantity: rows.reduce((total, row) => total + count(row), 0), unit }
}

/** The one unit's category that all rows share; undefined when they are unlike things. */
function onlyCategory(rows: readonly BookedRow[]): Category | undefined {
  const units = new Set(rows.map(({ row }) => unitOf(row.category)))
  return units.size === 1 ? rows[0]!.row.category : undefined
}

function groups(
  rows: readonly BookedRow[],
  keyOfRow: (row: BookedRow) => string,
): readonly (readonly [string, readonly BookedRow[]])[] {
  return Object.entries(Object.groupBy(rows, keyOfRow) as Record<string, BookedRow[]>).toSorted(
    ([keyA, a], [keyB, b]) => creditsOf(b) - creditsOf(a) || (keyA < keyB ? -1 : 1),
  )
}

function labelOf(key: string, groupBy: Exclude<Grouping, 'category'>, labels: Labels): string {
  if (key === none)
    return {
      tier: 'Without a tier',
      model: 'Without a model',
      employee: 'No employee',
      organization: 'No organization',
    }[groupBy]
  if (groupBy === 'tier') return labels.tiers.find((tier) => tier.id === key)?.name ?? capitalised(key)
  if (groupBy === 'employee') return labels.employees.find((employee) => employee.id === key)?.name ?? key
  return key
}

function localMark(key: string, groupBy: Grouping, labels: Labels): { local?: true } {
  return groupBy === 'model' && labels.isLocal(key) ? { local: true } : {}
}

const capitalised = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
