import { bookOf, type Ledger, markDirty, notLoaded, type NotLoaded, type Row } from './state.ts'
import { isOpen } from './windows.ts'

export interface Correction {
  readonly accountId: string
  readonly lineage: number
  readonly corrections: number
  readonly seq: number
  readonly rows: readonly { readonly epoch: number; readonly row: string; readonly add: Row }[]
  readonly windows: readonly { readonly name: string; readonly add: number }[]
}
export type CorrectAnswer = { readonly status: 'corrected' | 'changed' } | NotLoaded

/** Adds what the journal has and the ledger does not, or takes back what it has too much. No receipt. */
export function correct(ledger: Ledger, correction: Correction): CorrectAnswer {
  const account = ledger.state.accounts.get(correction.accountId)
  if (account === undefined) return notLoaded
  const { lineage, corrections, seq } = correction
  const changed = account.lineage !== lineage || account.corrections !== corrections || account.seq < seq
  if (ledger.rules.correctionComparesAndSets && changed) return { status: 'changed' }
  for (const { epoch, row: name, add } of correction.rows) {
    const book = bookOf(account, epoch)
    if (book === undefined) continue
    const row = (book.rows[name] ??= { charged: 0, uncollected: 0, units: 0 })
    row.charged += add.charged
    row.uncollected += add.uncollected
    row.units += add.units
    book.spent += add.charged
  }
  for (const { name, add } of correction.windows) {
    if (account.windows[name] === undefined && !isOpen(ledger, name)) continue
    const window = (account.windows[name] ??= { spent: 0, held: 0 })
    window.spent = Math.max(0, window.spent + add)
  }
  account.corrections += 1
  account.seq += 1
  account.version += 1
  markDirty(ledger, correction.accountId)
  return { status: 'corrected' }
}
