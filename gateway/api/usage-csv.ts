import { stringify } from 'csv-stringify/sync'
import { type Micro, microToCredits } from '../../credits/money.ts'
import type { Receipt } from '../../credits/receipt.ts'
import { parseRowKey } from '../../credits/usage-row.ts'
import type { Added } from '../../journal/journal-entry.ts'
import { instant } from '../route.ts'
import { itemLabel, unitOf } from './usage-tree.ts'

const columns = [
  'time_utc',
  'period',
  'organization',
  'employee',
  'category',
  'tier',
  'model',
  'description',
  'quantity',
  'unit',
  'credits',
  'message_id',
  'entry_id',
] as const

/** A charge, with what it added to the sums: of one that was adjusted later there are two, which add up. */
export interface BookedCharge {
  readonly receipt: Receipt
  readonly added: Pick<Added, 'charged' | 'units' | 'inputTokens' | 'outputTokens'>
}

/** Begins a sheet of RFC 4180; the mark tells spreadsheets that it is UTF-8. */
export const csvHead = `\uFEFF${columns.join(',')}\r\n`

/** A line per charge; '' for none. Amounts are exact credits with a point, and below zero where an adjustment took back. */
export function csvLines(charges: readonly BookedCharge[]): string {
  return stringify(charges.map(fieldsOf), { record_delimiter: 'windows' })
}

function fieldsOf({ receipt, added }: BookedCharge): readonly string[] {
  const { category, tier, model, item, employee, organization } = parseRowKey(receipt.row)
  const unit = unitOf(category)
  const quantity = unit === 'tokens' ? added.inputTokens + added.outputTokens : added.units
  const texts = {
    organization: harmless(organization),
    employee: harmless(employee),
    tier: harmless(tier),
    model: harmless(model),
    description: harmless(item === '' ? '' : itemLabel(item)),
    messageId: harmless(receipt.detail?.messageId ?? ''),
  }
  return [
    instant(receipt.atMs),
    String(receipt.epoch),
    texts.organization,
    texts.employee,
    category,
    texts.tier,
    texts.model,
    texts.description,
    String(quantity),
    unit,
    signedCredits(added.charged),
    texts.messageId,
    receipt.id,
  ]
}

function signedCredits(amount: number): string {
  const credits = microToCredits(Math.abs(amount) as Micro)
  return amount < 0 ? `-${credits}` : credits
}

/** Spreadsheets take a text that begins like this for a formula, and run it. */
function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
}
