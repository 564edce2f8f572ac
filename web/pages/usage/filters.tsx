import { type ReactNode, useState } from 'react'
import { type Organization, type Period, useCredits } from '../../../react/index.ts'
import { Choice } from '../../choice.tsx'
import { t } from '../../words.ts'
import { daysOf, type Grouping, groupings, nameOf, type Selection, spanOf } from './selection.ts'

/** The API asks for no more. */
const mostDays = 92
const dayMs = 86_400_000

export interface FiltersProps {
  readonly selection: Selection
  readonly onChange: (change: Partial<Selection>) => void
  readonly periods: readonly Period[]
  readonly organizations: readonly Organization[]
  /** The billing day of now. */
  readonly today: string
  readonly timeZone: string
}

/** Of when, of which organization, and told apart by what. */
export function Filters({ selection, onChange, periods, organizations, today, timeZone }: FiltersProps): ReactNode {
  const { calendarOf } = useCredits()
  const { span, organization, groupBy } = selection
  const calendar = calendarOf(timeZone)
  const isKnown = organizations.some(({ id }) => id === organization)
  const choose = (name: string): void =>
    onChange({ span: name === 'days' ? { kind: 'days', ...daysOf({ kind: 'last', days: 30 }, today)! } : spanOf(name) })
  return (
    <form className="filters" onSubmit={(event) => event.preventDefault()}>
      <Choice label={t('filter.period')} value={span.kind === 'days' ? 'days' : nameOf(span)} onChange={choose}>
        <option value="">{t('filter.current')}</option>
        <option value="last-7">{t('filter.last', { days: 7 })}</option>
        <option value="last-30">{t('filter.last', { days: 30 })}</option>
        {periods
          .filter(({ current }) => !current)
          .map(({ period, from, to }) => (
            <option key={period} value={String(period)}>
              {calendar.period(Date.parse(from), Date.parse(to))}
            </option>
          ))}
        <option value="days">{t('filter.days')}</option>
      </Choice>
      {span.kind === 'days' && <Days key={nameOf(span)} {...span} onChange={(days) => onChange({ span: days })} />}
      {(organizations.length > 0 || organization !== '') && (
        <Choice label={t('filter.organization')} value={organization} onChange={(id) => onChange({ organization: id })}>
          <option value="">{t('filter.allOrganizations')}</option>
          {organizations.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
          {organization !== '' && !isKnown && <option value={organization}>{organization}</option>}
        </Choice>
      )}
      <Choice
        label={t('filter.groupBy')}
        value={groupBy}
        onChange={(group) => onChange({ groupBy: group as Grouping })}
      >
        {groupings.map((each) => (
          <option key={each} value={each}>
            {t(`group.${each}`)}
          </option>
        ))}
      </Choice>
      {organizations.length > 0 && <small className="cr-soft">{t('filter.shared')}</small>}
    </form>
  )
}

interface DaysProps {
  readonly from: string
  readonly to: string
  readonly onChange: (span: Selection['span']) => void
}

/** Two days, looked at when both make sense together. */
function Days({ from, to, onChange }: DaysProps): ReactNode {
  const [first, setFirst] = useState(from)
  const [last, setLast] = useState(to)
  const problem = problemOf(first, last)
  return (
    <fieldset className="days">
      <legend className="cr-hidden">{t('filter.days')}</legend>
      <label>
        {t('filter.from')} <input type="date" value={first} onChange={({ target }) => setFirst(target.value)} />
      </label>
      <label>
        {t('filter.to')} <input type="date" value={last} onChange={({ target }) => setLast(target.value)} />
      </label>
      <button
        type="button"
        className="button"
        disabled={problem !== null || (first === from && last === to)}
        onClick={() => onChange({ kind: 'days', from: first, to: last })}
      >
        {t('filter.show')}
      </button>
      {problem !== null && <span role="alert">{t(problem, { days: mostDays })}</span>}
    </fieldset>
  )
}

function problemOf(first: string, last: string): 'filter.noDays' | 'filter.backwards' | 'filter.tooMany' | null {
  if (first === '' || last === '') return 'filter.noDays'
  const days = (Date.parse(last) - Date.parse(first)) / dayMs + 1
  if (days < 1) return 'filter.backwards'
  return days > mostDays ? 'filter.tooMany' : null
}
