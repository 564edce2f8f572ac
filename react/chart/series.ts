import type { Usage } from '../api/shapes.ts'

/** What is told apart in a chart: a line of the usage table, or what is left of the smaller ones together. */
export interface Series {
  readonly key: string
  readonly label: string
}

export interface Day {
  /** '2026-11-14', of the billing zone. */
  readonly day: string
  /** µcr of the whole day, exact. */
  readonly total: number
  /** By the series' place, µcr. */
  readonly amounts: readonly number[]
}

/** As many as can be told apart by colour and pattern. */
const most = 8

/** The days of a usage, split by its largest lines; `others` names what all the rest is together. */
export function seriesOf({ rows, days }: Usage, others: string): { series: readonly Series[]; days: readonly Day[] } {
  const used = rows.filter(({ credits }) => credits !== 0).toSorted((one, other) => other.credits - one.credits)
  const alone = used.length > most ? used.slice(0, most - 1) : used
  const hasRest = used.length > alone.length
  const series = [...alone.map(({ key, label }) => ({ key, label })), ...(hasRest ? [{ key: '…', label: others }] : [])]
  const places = new Map(alone.map(({ key }, place) => [key, place]))
  return {
    series,
    days: (days ?? []).map(({ day, byKey }) => {
      const amounts = series.map(() => 0)
      let total = 0
      for (const [key, amount] of Object.entries(byKey)) {
        const place = places.get(key) ?? (hasRest ? alone.length : undefined)
        if (place !== undefined) amounts[place]! += amount
        total += amount
      }
      return { day, total, amounts }
    }),
  }
}

/** Which series most of a day went to; undefined for a day without any. */
export function mostOf({ amounts }: Day, series: readonly Series[]): Series | undefined {
  const largest = Math.max(0, ...amounts)
  return largest === 0 ? undefined : series[amounts.indexOf(largest)]
}
