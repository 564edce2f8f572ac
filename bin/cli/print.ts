import Table from 'cli-table3'
import { microToCredits, type Micro } from '../../credits/money.ts'

/** Exact credits of an amount in µcr, grouped: 1234500000 reads '1,234.5'. Adjustments may be below zero. */
export function creditsText(amount: number): string {
  const [whole = '0', fraction] = microToCredits(Math.abs(amount) as Micro).split('.')
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  return `${amount < 0 ? '−' : ''}${fraction === undefined ? grouped : `${grouped}.${fraction}`}`
}

/** Columns as text; those named in `right` hold figures. */
export function tableText(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string {
  const table = new Table({
    head: [...head],
    colAligns: head.map((name) => (right.includes(name) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
    chars: plainLines,
  })
  table.push(...rows.map((row) => [...row]))
  return table.toString()
}

/** What is left of the whole, drawn: `████████░░░░`. */
export function barText(left: number, total: number, width = 30): string {
  const full = total <= 0 ? 0 : Math.max(0, Math.min(width, Math.ceil((left / total) * width)))
  return '█'.repeat(full) + '░'.repeat(width - full)
}

/** `2026-11-23 06:30`, in UTC. */
export function timeText(instant: string | null): string {
  return instant === null ? '' : instant.slice(0, 16).replace('T', ' ')
}

const plainLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '─',
  'mid-mid': '──',
  right: '',
  'right-mid': '',
  middle: '  ',
}
