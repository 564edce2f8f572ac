import type { Micro } from './money.ts'

/** The lines of the Credit Usage page, in the order in which it shows them. */
export const categories = [
  'ai_usage',
  'tool_calls',
  'internal',
  'compute_runtime',
  'tasks_completed',
  'voice_calls',
] as const
export type Category = (typeof categories)[number]

/** What a charge is booked under. An empty string stands for "does not apply". */
export interface UsageRow {
  readonly category: Category
  /** fast | standard | advanced, or '' */
  readonly tier: string
  /** `provider/model` that answered, or '' */
  readonly model: string
  /** image quality, app name, safety or memory, voice or meeting, or '' */
  readonly item: string
  readonly employee: string
  readonly organization: string
}

/** Counted beside the money. `units`: calls, tasks, images or ms, by category. Tokens as the provider reports them (input includes cached). */
export interface Quantities {
  readonly units: number
  readonly inputTokens: number
  readonly cachedTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
}

/** The order in which the ledger packs them. */
export const quantityNames = [
  'units',
  'inputTokens',
  'cachedTokens',
  'outputTokens',
  'reasoningTokens',
] as const satisfies readonly (keyof Quantities)[]

export const noQuantities: Quantities = {
  units: 0,
  inputTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
}

/** What one row has come to in one epoch: absolute, never a delta. */
export interface RowTotals extends Quantities {
  readonly charged: Micro
  readonly uncollected: Micro
}

export type RowKey = string

/** `category|tier|model|item|employee|organization`: the field name in Redis, the key in workflow state and journal. */
export function rowKey(row: UsageRow): RowKey {
  const parts = [row.category, row.tier, row.model, row.item, row.employee, row.organization]
  const broken = parts.find((part) => /[|\0]/.test(part))
  if (broken !== undefined) throw new RangeError(`a usage row may not contain '|' or a zero byte: ${broken}`)
  return parts.join('|')
}

/** The row that a key spells. Throws RangeError for a key that `rowKey` never wrote. */
export function parseRowKey(key: RowKey): UsageRow {
  const [category, tier, model, item, employee, organization, ...rest] = key.split('|')
  if (organization === undefined || rest.length > 0 || !categories.includes(category as Category)) {
    throw new RangeError(`not a usage row: ${key}`)
  }
  return { category: category as Category, tier: tier!, model: model!, item: item!, employee: employee!, organization }
}
