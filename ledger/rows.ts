import type { Micro } from '../credits/money.ts'
import { type RowTotals, quantityNames } from '../credits/usage-row.ts'
import { listOf, numbersOf } from './account-hash.ts'
import type { EpochRows } from './ledger.ts'

/** The totals of a row as `hydrate` sends them; `seq` is that of its last change. */
export function packRow(totals: RowTotals, seq: number): string {
  return JSON.stringify([totals.charged, totals.uncollected, seq, ...quantityNames.map((name) => totals[name])])
}

/** Throws TypeError for what no script wrote. Totals are below zero where a refund came into an epoch that had not seen the charge. */
export function unpackRow(packed: string): RowTotals {
  const numbers = numbersOf(listOf(packed), 8)
  const [charged, uncollected, , units, inputTokens, cachedTokens, outputTokens, reasoningTokens] = numbers
  return {
    charged: charged as Micro,
    uncollected: uncollected as Micro,
    units: units!,
    inputTokens: inputTokens!,
    cachedTokens: cachedTokens!,
    outputTokens: outputTokens!,
    reasoningTokens: reasoningTokens!,
  }
}

const prefix = 'row|'

/** The rows in an account's hash by epoch, oldest first; `epochs` are those that Redis holds, rows or not. */
export function epochsOf(hash: ReadonlyMap<string, string>, epochs: readonly number[]): readonly EpochRows[] {
  const byEpoch = new Map(epochs.map((epoch) => [epoch, emptyRows()]))
  for (const [field, packed] of hash) {
    if (!field.startsWith(prefix)) continue
    const bar = field.indexOf('|', prefix.length)
    const epoch = Number(field.slice(prefix.length, bar))
    const held = byEpoch.get(epoch)
    if (held === undefined) throw new TypeError(`a row of an epoch that is not open: ${field}`)
    held[field.slice(bar + 1)] = unpackRow(packed)
  }
  return [...byEpoch].toSorted(([a], [b]) => a - b).map(([epoch, held]) => ({ epoch, rows: held }))
}

const emptyRows = (): Record<string, RowTotals> => ({})
