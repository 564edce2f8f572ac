import { type Figure, goalText, type Measured, passes } from './suite.ts'

/** One JSON object a line: name, value, unit, goal, pass. In a void run nothing passes or fails. */
export function jsonLines({ figures, void: reason }: Measured): readonly string[] {
  return figures.map((figure) =>
    JSON.stringify({
      name: figure.name,
      value: rounded(figure.value),
      unit: figure.unit,
      goal: figure.goal === null ? null : goalText(figure.goal),
      pass: reason === '' ? passes(figure) : null,
    }),
  )
}

/** The same for people: one line a figure, in columns. */
export function table({ figures, void: reason }: Measured): readonly string[] {
  const cells = figures.map((figure) => [
    figure.name,
    String(rounded(figure.value)),
    figure.unit,
    goalText(figure.goal),
    reason === '' ? verdict(figure) : figure.goal === null ? '' : 'void',
  ])
  const rows = [['figure', 'value', 'unit', 'goal', ''], ...cells]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      // Numbers are compared by their last digit.
      .map((cell, column) => (column === 1 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
}

/** 0 all goals reached, 1 one missed, 2 void. */
export function exitCode({ figures, void: reason }: Measured): 0 | 1 | 2 {
  if (reason !== '') return 2
  return figures.some((figure) => passes(figure) === false) ? 1 : 0
}

function verdict(figure: Figure): string {
  const pass = passes(figure)
  return pass === null ? '' : pass ? 'reached' : 'MISSED'
}

/** Three digits that mean something are all that a benchmark has. */
function rounded(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}
