import type { Catalogue, PricedActivity } from '../../credits/catalogue.ts'
import { type Micro, toMicro, zero } from '../../credits/money.ts'
import type { ReceiptDetail } from '../../credits/receipt.ts'
import type { Level } from '../../credits/terms.ts'
import { noQuantities, type UsageRow } from '../../credits/usage-row.ts'
import type { Work } from '../gate.ts'
import type { Attribution } from './workflow/carried.ts'

/** What is known of an activity that succeeded, beside its entry in the catalogue. */
export interface Dimensions {
  /** Its own line on the Credit Usage page: an app's name. */
  readonly item?: string | undefined
  /** How many were delivered; 1 when left out. */
  readonly units?: number | undefined
}

/** When the work was done, and what its receipt names beside the activity. */
export interface Occasion {
  readonly who: Attribution
  readonly task: string
  readonly startedAtMs: number
  readonly durationMs: number
  readonly outcome: 'finished' | 'failed'
}

/** What success costs. Throws RangeError for dimensions that cannot be booked. */
export function priceWork(
  catalogue: Pick<Catalogue, 'version'>,
  entry: PricedActivity,
  occasion: Occasion,
  { item = entry.item, units = 1 }: Dimensions = {},
): Work {
  if (!isItem(item)) throw new RangeError(`not the name of an item: ${item}`)
  const actual = priceOf(entry, units)
  const lines =
    actual === 0
      ? []
      : [{ kind: 'fixed', quantity: units, unit: entry.per, rate: String(entry.price), amount: actual } as const]
  return {
    actual,
    row: rowOf(entry.category, item, occasion.who),
    quantities: { ...noQuantities, units },
    detail: detailOf(catalogue, entry.name, occasion, lines),
  }
}

const longestItem = 128

export function isItem(text: string): boolean {
  return text.length <= longestItem && !text.includes('|')
}

/** Throws RangeError for what is no whole number of units. */
export function priceOf({ price }: PricedActivity, units: number): Micro {
  if (!Number.isSafeInteger(units) || units < 0) throw new RangeError(`not a number of units: ${units}`)
  return toMicro(price * units)
}

/** Free work is on the books too, over zero, so that a message shows all that was done for it. */
export function freeWork(catalogue: Pick<Catalogue, 'version'>, name: string, occasion: Occasion): Work {
  return {
    actual: zero,
    row: rowOf('tool_calls', name, occasion.who),
    quantities: { ...noQuantities, units: 1 },
    detail: detailOf(catalogue, name, occasion, []),
  }
}

export function rowOf(category: UsageRow['category'], item: string, { employee, organization }: Attribution): UsageRow {
  return { category, tier: '', model: '', item, employee, organization }
}

/** Budgets that the work counts in. */
export function levelsOf({ organization, employee }: Attribution): readonly Level[] {
  return [
    ...(organization === '' ? [] : [`organization:${organization}`]),
    ...(employee === '' ? [] : [`employee:${employee}`]),
  ]
}

export function detailOf(
  { version }: Pick<Catalogue, 'version'>,
  name: string,
  { who, task, startedAtMs, durationMs, outcome }: Occasion,
  lines: ReceiptDetail['lines'],
): ReceiptDetail {
  return {
    messageId: who.message,
    task,
    purpose: '',
    provider: '',
    pricedAs: name,
    catalogueVersion: version,
    priceVersion: '',
    startedAtMs,
    durationMs,
    outcome,
    estimated: false,
    lines,
  }
}
