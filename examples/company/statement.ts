/** A charge as `GET /credits/v1/activity` tells it; amounts in micro-credits. */
export interface Charge {
  readonly entryId: string
  readonly at: string
  readonly employeeId: string
  readonly category: string
  readonly tier?: string
  readonly model?: string
  readonly item?: string
  readonly quantity: number
  readonly unit: string
  readonly credits: number
  /** The chat message that it was done for. */
  readonly messageId?: string
}

/** As `GET /credits/v1/balance` tells it; micro-credits. */
export interface Balance {
  readonly remaining: number
  /** In the period so far. */
  readonly used: number
}

const categoryNames: Readonly<Record<string, string>> = {
  ai_usage: 'AI usage',
  tool_calls: 'Tool calls',
  internal: 'Internal',
  compute_runtime: 'Compute runtime',
  tasks_completed: 'Tasks completed',
  voice_calls: 'Voice calls',
}

/** Every charge, sums by category, and how they compare with what the balance lost. */
export function statement(
  charges: readonly Charge[],
  { before, after }: Readonly<Record<'before' | 'after', Balance>>,
): string {
  const rows = charges
    .toSorted((one, other) => one.at.localeCompare(other.at))
    .map((charge) => [
      charge.at.slice(11, 19),
      whatOf(charge),
      [charge.tier, charge.model].filter(Boolean).join(' '),
      charge.employeeId,
      charge.credits === 0 ? 'free' : creditsText(charge.credits),
    ])
  const sums = Map.groupBy(charges, ({ category }) => category)
  const total = sumOf(charges)
  // Not what remains: a grant in between is no mistake.
  const difference = after.used - before.used - total
  return [
    table([['time', 'what', 'tier, model', 'employee', 'credits'], ...rows]),
    table([
      ...[...sums].map(([category, of]) => [categoryNames[category] ?? category, creditsText(sumOf(of))]),
      ['all charges', creditsText(total)],
      ['balance before', creditsText(before.remaining)],
      ['balance after', creditsText(after.remaining)],
    ]),
    difference === 0
      ? 'They add up to the micro-credit.'
      : `They do NOT add up: ${creditsText(Math.abs(difference))} ${difference > 0 ? 'more' : 'less'} was used than charged.`,
  ].join('\n\n')
}

export function sumOf(charges: readonly Charge[]): number {
  return charges.reduce((total, { credits }) => total + credits, 0)
}

function whatOf({ category, item = '', quantity, unit }: Charge): string {
  const name = categoryNames[category] ?? category
  const seconds = (quantity / 1_000).toFixed(1)
  switch (category) {
    case 'compute_runtime':
      return `${name}, ${seconds} s`
    case 'ai_usage':
    case 'internal':
      return `${name}${item === '' ? '' : `: ${item}`}, ${quantity} tokens`
    default:
      return `${name}${item === '' ? '' : `: ${item}`}${quantity === 1 ? '' : `, ${quantity} ${unit}`}`
  }
}

/** All six decimals: on this page nothing is rounded. */
export function creditsText(micro: number): string {
  return `${Math.floor(micro / 1_000_000)}.${String(micro % 1_000_000).padStart(6, '0')}`
}

/** The last column is one of numbers. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
        )
        .join('  '),
    )
    .join('\n')
}
