import { type ReactNode, useEffect, useState } from 'react'
import { asFailure, type Employee, useAsked, useCredits } from '../../../react/index.ts'
import { Scroll } from '../../scroll.tsx'
import { Section } from '../../section.tsx'
import { t } from '../../words.ts'

/** What the company tells of its report (examples/company/door/report.ts). */
interface ReportSchedule {
  readonly employee: string
  readonly hour: number
  readonly isScheduled: boolean
  readonly next: string | null
  readonly runs: readonly {
    readonly at: string
    readonly result: 'running' | 'done' | 'skipped' | 'failed'
    readonly text?: string
  }[]
}

const path = '/company/report'
/** While a run is under way its end is looked for. */
const lookEveryMs = 2_000
/** A run that was asked for is not there at once, ms. */
const beginsWithinMs = 10_000

/** The report that one employee writes each morning, with its last runs. Nothing for the others, and where there is no company. */
export function Report({ employee }: { readonly employee: Employee }): ReactNode {
  const { client, calendarOf } = useCredits()
  const [askedAtMs, setAskedAtMs] = useState(0)
  const [looks, setLooks] = useState(0)
  const [failure, setFailure] = useState<string | null>(null)
  const company = useAsked<{ readonly isThere: boolean }>('/company')
  const isOpen = company.data?.isThere === true
  const report = useAsked<ReportSchedule>(path, { isOpen, follows: String(looks), settleMs: 0 })
  const { data } = report
  const isUnderWay =
    Date.now() < askedAtMs + beginsWithinMs || (data?.runs.some(({ result }) => result === 'running') ?? false)
  useEffect(() => {
    if (!isUnderWay) return undefined
    const timer = setTimeout(() => setLooks((count) => count + 1), lookEveryMs)
    return () => clearTimeout(timer)
  }, [isUnderWay, looks])

  const act = async (method: 'PUT' | 'POST' | 'DELETE', to = path): Promise<void> => {
    setFailure(null)
    try {
      await client.ask(to, { method })
      report.refetch()
    } catch (error) {
      setFailure(asFailure(error).message)
    }
  }
  const runNow = (): void => {
    setAskedAtMs(Date.now())
    void act('POST', `${path}/runs`)
  }
  // Whose it is is not known where it could not be loaded
  if (report.error === null && data?.employee !== employee.id) return null
  const calendar = calendarOf('UTC')
  const moment = (at: string): string => calendar.moment(Date.parse(at))
  return (
    <Section id="report" title={t('report.title')} loaded={report}>
      {({ hour, isScheduled, next, runs }) => (
        <>
          <p>
            {t(isScheduled ? 'report.scheduled' : 'report.notScheduled', { hour: `${hour}:00` })}{' '}
            {next !== null && t('report.next', { moment: moment(next) })}
          </p>
          <p className="filters">
            {isScheduled ? (
              <>
                <button type="button" className="button" onClick={runNow}>
                  {t('report.run')}
                </button>
                <button type="button" className="button" onClick={() => void act('DELETE')}>
                  {t('report.end')}
                </button>
              </>
            ) : (
              <button type="button" className="button" onClick={() => void act('PUT')}>
                {t('report.schedule')}
              </button>
            )}
          </p>
          {failure !== null && (
            <p role="alert" className="failed">
              {failure}
            </p>
          )}
          {isScheduled && runs.length === 0 && <p className="cr-soft">{t('report.none')}</p>}
          {runs.length > 0 && (
            <Scroll label={t('report.runs')}>
              <table className="wide">
                <thead>
                  <tr>
                    <th scope="col">{t('report.when')}</th>
                    <th scope="col">{t('report.result')}</th>
                  </tr>
                </thead>
                <tbody>
                  {runs.map(({ at, result, text }) => (
                    <tr key={at} data-result={result}>
                      <th scope="row">
                        <time dateTime={at}>{moment(at)}</time>
                      </th>
                      <td>
                        {text === undefined ? (
                          t(`report.result.${result}`)
                        ) : (
                          <details>
                            <summary>{t(`report.result.${result}`)}</summary>
                            {text}
                          </details>
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Scroll>
          )}
        </>
      )}
    </Section>
  )
}
