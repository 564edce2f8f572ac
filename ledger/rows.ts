import type { Micro } from '../credits/money.ts'
import { type RowTotals, quantityNames } from '../credits/usage-row.ts'
import type { EpochRows } from './ledger.ts'

/** How Redis keeps the totals of a row; `seq` is that of its last change. */
export function packRow(totals: RowTotals, seq: number): string {
  return [totals.charged, totals.uncollected, seq, ...quantityNames.map((name) => totals[name])].join(',')
}

/** Throws TypeError for what no script wrote. Totals are below zero where a refund came into an epoch that had not seen the charge. */
export function unpackRow(packed: string): RowTotals {
  const numbers = packed.split(',').map(Number)
  const [charged, uncollected, seq, units, inputTokens, cachedTokens, outputTokens, reasoningTokens] = numbers
  if (numbers.length !== 8 || !numbers.every(Number.isSafeInteger) || seq === undefined)
    throw new TypeError(`not a packed row: ${packed}`)
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

/** The rows hash by epoch, oldest first; `epochs` are those that Redis holds, rows or not. */
export function epochsOf(rows: ReadonlyMap<string, string>, epochs: readonly number[]): readonly EpochRows[] {
  const byEpoch = new Map(epochs.map((epoch) => [epoch, emptyRows()]))
  for (const [field, packed] of rows) {
    const bar = field.indexOf('|')
    const epoch = Number(field.slice(0, bar))
    const held = byEpoch.get(epoch)
    if (held === undefined) throw new TypeError(`a row of an epoch that is not open: ${field}`)
    held[field.slice(bar + 1)] = unpackRow(packed)
  }
  return [...byEpoch].toSorted(([a], [b]) => a - b).map(([epoch, held]) => ({ epoch, rows: held }))
}

const emptyRows = (): Record<string, RowTotals> => ({})
