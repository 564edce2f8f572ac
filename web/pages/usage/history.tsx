import { Fragment, type ReactNode } from 'react'
import { type Loaded, type Page, type Period, useCredits, useExpanded, useUsage } from '../../../react/index.ts'
import { Scroll } from '../../scroll.tsx'
import { t } from '../../words.ts'
import { Failed } from '../../failed.tsx'
import { Section } from '../../section.tsx'
import { UsageTable } from './usage-table.tsx'

export interface HistoryProps {
  readonly history: Loaded<Page<Period>>
  readonly timeZone: string
  /** When this period ends, ms. */
  readonly endMs: number
  readonly isExact: boolean
}

/** Each earlier period; opens to what its credits went to. */
export function History({ history, timeZone, endMs, isExact }: HistoryProps): ReactNode {
  const { formats, calendarOf } = useCredits()
  const { expanded, toggle } = useExpanded('tollgate.history')
  const calendar = calendarOf(timeZone)
  return (
    <Section id="history" title={t('history.title')} loaded={history}>
      {({ items }) => {
        const earlier = items.filter(({ current }) => !current)
        if (earlier.length === 0) return <p>{t('history.none', { date: calendar.day(endMs) })}</p>
        return (
          <Scroll label={t('history.title')}>
            <table className="wide">
              <thead>
                <tr>
                  <th scope="col">{t('history.period')}</th>
                  <th scope="col" className="number">
                    {t('history.used')}
                  </th>
                  <th scope="col" className="number">
                    {t('history.granted')}
                  </th>
                  <th scope="col" className="number">
                    {t('history.percentUsed')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {earlier.map(({ period, from, to, used, granted }) => {
                  const isOpen = expanded.has(String(period))
                  return (
                    <Fragment key={period}>
                      <tr data-period={period}>
                        <th scope="row">
                          <button
                            type="button"
                            className="disclosure"
                            aria-expanded={isOpen}
                            onClick={() => toggle(String(period))}
                          >
                            <bdi>{calendar.period(Date.parse(from), Date.parse(to))}</bdi>
                          </button>
                        </th>
                        <td className="number" title={formats.exact(used)}>
                          {(isExact ? formats.exact : formats.spend)(used)}
                        </td>
                        <td className="number">{formats.spend(granted)}</td>
                        <td className="number">{formats.share(used, granted)}</td>
                      </tr>
                      {isOpen && (
                        <tr>
                          <td colSpan={4} className="inner">
                            <PeriodTable period={period} isExact={isExact} />
                          </td>
                        </tr>
                      )}
                    </Fragment>
                  )
                })}
              </tbody>
            </table>
          </Scroll>
        )
      }}
    </Section>
  )
}

function PeriodTable({ period, isExact }: { readonly period: number; readonly isExact: boolean }): ReactNode {
  const usage = useUsage(`?period=${period}`)
  return (
    <>
      <Failed loaded={usage} what={t('usage.table')} />
      {usage.data === null && usage.error === null && <div className="cr-skeleton table-skeleton" aria-busy="true" />}
      {usage.data !== null && (
        <UsageTable usage={usage.data} isExact={isExact} rememberAs={`tollgate.usage.${period}`} />
      )}
    </>
  )
}
