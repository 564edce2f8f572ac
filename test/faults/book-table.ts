import { type BoundName, bounds, type Comparison, type Line } from './compare-books.ts'

const columns = [
  'tag',
  'receipt',
  'accountId',
  'end',
  'outcome',
  'billed',
  'charged',
  'uncollected',
  'least',
  'most',
  'fault',
] as const satisfies readonly (keyof Line)[]
const mostShown = 40

/** For people: each charge that is wrong with what every book says of it, and the bounds that it breaks. '' when all is well. */
export function faultTable({ wrong, complaints }: Comparison): string {
  if (wrong.length === 0 && complaints.length === 0) return ''
  const rows = wrong.slice(0, mostShown).map((line) => columns.map((column) => String(line[column])))
  const broken = [...new Set(wrong.map(({ bound }) => bound))]
  return [
    `${wrong.length} charges are not as they must be (µcr):`,
    ...aligned([[...columns], ...rows]),
    ...(wrong.length > mostShown ? [`… and ${wrong.length - mostShown} more`] : []),
    ...broken.map(
      (bound) => `bound "${bound}" (${wrong.filter((line) => line.bound === bound).length}): ${bounds[bound]}`,
    ),
    ...complaints,
  ].join('\n')
}

/** By bound: how many charges, what the provider bills, what is charged, what is not collected, lost and charged above the bill. */
export function boundTable({ lines }: Comparison): string {
  const rows = (Object.keys(bounds) as BoundName[]).map((bound) => {
    const own = lines.filter((line) => line.bound === bound)
    const sum = (of: (line: Line) => number): string => String(own.reduce((total, line) => total + of(line), 0))
    return [
      bound,
      String(own.length),
      sum(({ billed }) => billed),
      sum(({ charged }) => charged),
      sum(({ uncollected }) => uncollected),
      sum(({ billed, charged, uncollected }) => Math.max(0, billed - charged - uncollected)),
      sum(({ billed, charged, uncollected }) => Math.max(0, charged + uncollected - billed)),
    ]
  })
  return aligned([['bound', 'charges', 'billed', 'charged', 'uncollected', 'lost', 'above the bill'], ...rows]).join(
    '\n',
  )
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}
