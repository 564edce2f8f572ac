import { checkChargeId } from '../credits/charge-id.ts'
import type { Level } from '../credits/terms.ts'
import { type Quantities, quantityNames, rowKey } from '../credits/usage-row.ts'
import type { Evidence, SettleRequest } from './ledger.ts'

/** One operation moves at most a million credits, so that no total can leave the exact range. */
const mostMicro = 1_000_000_000_000

/** Throws RangeError for what is no amount of one operation. */
export function checkAmount(name: string, amount: number): void {
  if (!Number.isSafeInteger(amount) || amount < 0 || amount > mostMicro) {
    throw new RangeError(`${name} is not an amount that one operation may move: ${amount}`)
  }
}

/** Throws RangeError for what is no time to live in whole ms. */
export function checkTtl(ttlMs: number): void {
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1 || ttlMs > mostMicro)
    throw new RangeError(`not a time to live in ms: ${ttlMs}`)
}

/** Levels as the scripts read them: each once, as a JSON list. Throws RangeError for one that would spell two. */
export function packLevels(levels: readonly Level[]): string {
  const broken = levels.find((level) => level === '' || /[|\n]/.test(level))
  if (broken !== undefined) throw new RangeError(`not a level: ${broken}`)
  return JSON.stringify([...new Set(levels)])
}

/** Five whole numbers in a fixed order, as a JSON list. Throws RangeError for one that is not. */
export function packQuantities(quantities: Quantities): string {
  const numbers = quantityNames.map((name) => quantities[name])
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0 && number < 1e15)) {
    throw new RangeError(`not quantities: ${numbers.join(',')}`)
  }
  return JSON.stringify(numbers)
}

/** What settle and charge book, as their scripts read it. Throws RangeError for what they could not take. */
export function packBooking(request: SettleRequest): readonly (string | number)[] {
  const { accountId, id, actual, row, quantities, levels, detail, began } = request
  checkChargeId(id)
  checkAmount('actual', actual)
  return [
    accountId,
    id,
    actual,
    rowKey(row),
    packQuantities(quantities),
    packLevels(levels),
    began?.epoch ?? '',
    began === undefined ? '' : JSON.stringify(began.windows),
    JSON.stringify(detail),
  ]
}

/** Evidence as the scripts read it; nothing when there is none. */
export function packEvidence(evidence: Evidence | undefined): readonly (string | number)[] {
  if (evidence === undefined) return []
  const { lineage, nowMs, found } = evidence
  if (found === null) return [lineage, nowMs, '']
  const { kind, charged, uncollected, quantities, epoch, row, windows } = found
  return [lineage, nowMs, kind, charged, uncollected, packQuantities(quantities), epoch, row, JSON.stringify(windows)]
}
