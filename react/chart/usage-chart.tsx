'use client'
import { AxisBottom, AxisLeft } from '@visx/axis'
import { scaleBand, scaleLinear } from '@visx/scale'
import { type KeyboardEvent, type PointerEvent, type ReactNode, useId, useMemo, useState } from 'react'
import { microPerCredit, toMicro } from '../../credits/money.ts'
import type { Usage } from '../api/shapes.ts'
import { useCredits } from '../provider.tsx'
import { Patterns } from './patterns.tsx'
import { type Day, mostOf, type Series, seriesOf } from './series.ts'
import { useWidth } from './use-width.ts'

export interface UsageChartProps {
  readonly usage: Usage
  /** What days to come cost at this pace, µcr each, until the end of what is shown; null where nobody knows. */
  readonly perDayToCome?: number | null
}

const height = 220
const margin = { top: 8, right: 0, bottom: 24, left: 48 }
const dayMs = 86_400_000
/** Room that the name of a day takes. */
const dayWidth = 52

/** By keys, in days. The chart runs from left to right wherever it stands. */
const steps: Readonly<Record<string, number>> = {
  ArrowRight: 1,
  ArrowLeft: -1,
  Home: -Infinity,
  End: Infinity,
}

/** What each day went to, in bars; by arrow keys from day to day. */
export function UsageChart({ usage, perDayToCome = null }: UsageChartProps): ReactNode {
  const { formats, t, calendarOf } = useCredits()
  const id = useId()
  const [element, width] = useWidth<HTMLDivElement>()
  const { series, days } = useMemo(() => seriesOf(usage, t('chart.others')), [usage, t])
  const [chosen, setChosen] = useState<string | null>(null)
  const at = Math.max(0, chosen === null ? days.length - 1 : days.findIndex(({ day }) => day === chosen))
  const names = calendarOf('UTC')
  const nameOf = (day: string): string => names.day(Date.parse(day))
  const lastDay = calendarOf(usage.timeZone).isoDay(Date.parse(usage.to) - 1)
  const toCome = perDayToCome === null ? [] : daysBetween(days.at(-1)?.day, lastDay)
  const words = (day: Day): string => {
    const main = mostOf(day, series)
    const values = { day: nameOf(day.day), count: formats.spend(day.total) }
    return main === undefined ? t('chart.day', values) : t('chart.dayMostly', { ...values, main: main.label })
  }
  if (days.length === 0) return null

  const x = scaleBand({
    domain: [...days.map(({ day }) => day), ...toCome],
    range: [0, Math.max(0, width - margin.left - margin.right)],
    paddingInner: 0.25,
  })
  const highest = Math.max(microPerCredit, perDayToCome ?? 0, ...days.map(({ amounts }) => sumOf(amounts)))
  const y = scaleLinear({
    domain: [0, highest / microPerCredit],
    range: [height - margin.top - margin.bottom, 0],
    nice: 4,
  })
  const step = (by: number): void => setChosen(days[Math.min(days.length - 1, Math.max(0, at + by))]!.day)
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = steps[event.key]
    if (by === undefined) return
    event.preventDefault()
    step(by)
  }
  const onPointerMove = ({ clientX, currentTarget }: PointerEvent): void => {
    const left = clientX - currentTarget.getBoundingClientRect().left - margin.left
    const found = days.find(({ day }) => left <= (x(day) ?? 0) + x.step())
    if (found !== undefined) setChosen(found.day)
  }
  const every = Math.max(1, Math.ceil((x.domain().length * dayWidth) / Math.max(1, width)))

  return (
    <figure className="cr-chart cr-root">
      <div
        ref={element}
        className="cr-chart-plot"
        role="slider"
        tabIndex={0}
        aria-label={t('chart.name')}
        aria-valuemin={0}
        aria-valuemax={days.length - 1}
        aria-valuenow={at}
        aria-valuetext={words(days[at]!)}
        onKeyDown={onKeyDown}
        onPointerMove={onPointerMove}
        dir="ltr"
      >
        <svg width={width} height={height} aria-hidden="true">
          <Patterns id={id} />
          <g transform={`translate(${margin.left},${margin.top})`}>
            <AxisLeft
              scale={y}
              numTicks={4}
              tickFormat={(value) => formats.remainingShort(toMicro(Math.round(Number(value) * microPerCredit)))}
              axisClassName="cr-axis"
              hideTicks
              hideAxisLine
            />
            <AxisBottom
              top={height - margin.top - margin.bottom}
              scale={x}
              tickValues={x.domain().filter((_, index) => index % every === 0)}
              tickFormat={nameOf}
              axisClassName="cr-axis"
              hideTicks
            />
            {days.map((day, index) => (
              <g key={day.day} data-day={day.day} className={index === at ? 'cr-bar-chosen' : undefined}>
                {piecesOf(day).map(({ place, from, to }) => (
                  <rect
                    key={place}
                    x={x(day.day)}
                    width={x.bandwidth()}
                    y={y(to / microPerCredit)}
                    height={Math.max(0, y(from / microPerCredit) - y(to / microPerCredit))}
                    fill={`url(#${id}-${place})`}
                  />
                ))}
              </g>
            ))}
            {toCome.map((day) => (
              <rect
                key={day}
                className="cr-bar-to-come"
                x={x(day)}
                width={x.bandwidth()}
                y={y(perDayToCome! / microPerCredit)}
                height={y(0) - y(perDayToCome! / microPerCredit)}
              />
            ))}
          </g>
        </svg>
      </div>
      <p className="cr-chart-words" aria-hidden="true">
        {words(days[at]!)}
      </p>
      <Legend id={id} series={series} hasToCome={toCome.length > 0} />
      <DayTable days={days} series={series} nameOf={nameOf} />
    </figure>
  )
}

function Legend({
  id,
  series,
  hasToCome,
}: {
  readonly id: string
  readonly series: readonly Series[]
  readonly hasToCome: boolean
}): ReactNode {
  const { t } = useCredits()
  return (
    <ul className="cr-legend">
      {series.map(({ key, label }, place) => (
        <li key={key}>
          <svg width="16" height="16" aria-hidden="true">
            <rect width="16" height="16" fill={`url(#${id}-${place})`} />
          </svg>{' '}
          {label}
        </li>
      ))}
      {hasToCome && (
        <li>
          <svg width="16" height="16" aria-hidden="true">
            <rect className="cr-bar-to-come" x="1" y="1" width="14" height="14" />
          </svg>{' '}
          {t('chart.toCome')}
        </li>
      )}
    </ul>
  )
}

function DayTable({
  days,
  series,
  nameOf,
}: {
  readonly days: readonly Day[]
  readonly series: readonly Series[]
  readonly nameOf: (day: string) => string
}): ReactNode {
  const { formats, t } = useCredits()
  return (
    <details className="cr-chart-table">
      <summary>{t('chart.asTable')}</summary>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reached by keyboard */}
      <div className="cr-scroll" role="group" aria-label={t('chart.name')} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('chart.dayColumn')}</th>
              {series.map(({ key, label }) => (
                <th key={key} scope="col" className="cr-amount">
                  {label}
                </th>
              ))}
              <th scope="col" className="cr-amount">
                {t('chart.total')}
              </th>
            </tr>
          </thead>
          <tbody>
            {days.map(({ day, amounts, total }) => (
              <tr key={day}>
                <th scope="row">{nameOf(day)}</th>
                {series.map(({ key }, place) => (
                  <td key={key} className="cr-amount">
                    {formats.spend(amounts[place]!)}
                  </td>
                ))}
                <td className="cr-amount">{formats.spend(total)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}

/** One on the other; a correction below zero takes no room. */
function piecesOf({ amounts }: Day): readonly { readonly place: number; readonly from: number; readonly to: number }[] {
  let top = 0
  return amounts.flatMap((amount, place) => {
    if (amount <= 0) return []
    const from = top
    top += amount
    return [{ place, from, to: top }]
  })
}

const sumOf = (amounts: readonly number[]): number => amounts.reduce((sum, amount) => sum + Math.max(0, amount), 0)

/** The days after `first`, up to `last`. */
function daysBetween(first: string | undefined, last: string): readonly string[] {
  const days: string[] = []
  for (let ms = Date.parse(first ?? last) + dayMs; ms <= Date.parse(last); ms += dayMs)
    days.push(new Date(ms).toISOString().slice(0, 10))
  return days
}
