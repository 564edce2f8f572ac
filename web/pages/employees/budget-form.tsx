import { type ReactNode, useEffect, useId, useState } from 'react'
import { creditsToMicro, microToCredits, toMicro } from '../../../credits/money.ts'
import {
  asFailure,
  type AtLimit,
  type Budget,
  type BudgetWindow,
  type Employee,
  type Failure,
  useCredits,
} from '../../../react/index.ts'
import { Choice } from '../../choice.tsx'
import { t } from '../../words.ts'
import { BudgetWords } from './budget-words.tsx'

const windows: readonly BudgetWindow[] = ['day', 'week', 'month', 'total']
const atLimits: readonly AtLimit[] = ['stop', 'pause', 'notify']

export interface BudgetFormProps {
  readonly employee: Employee
  readonly budget: Budget | undefined
  /** What is shown is to be asked for again. */
  readonly onSaved: () => void
}

interface Fields {
  readonly credits: string
  readonly window: BudgetWindow
  readonly atLimit: AtLimit
}

const fieldsOf = (budget: Budget | undefined): Fields => ({
  credits: budget === undefined ? '' : microToCredits(toMicro(budget.limit)),
  window: budget?.window ?? 'month',
  atLimit: budget?.atLimit ?? 'stop',
})
/** 0: there is none. */
const versionOf = (budget: Budget | undefined): number => budget?.version ?? 0

/** Sets, raises and removes one employee's budget. What somebody else has changed meanwhile is not overwritten. */
export function BudgetForm({ employee, budget, onSaved }: BudgetFormProps): ReactNode {
  const { client, formats } = useCredits()
  const id = useId()
  // What the form began with: what is typed is a change of that, and of nothing that came later
  const [base, setBase] = useState(budget)
  const [fields, setFields] = useState(() => fieldsOf(budget))
  const [isReloading, setReloading] = useState(false)
  const [failure, setFailure] = useState<Failure | null>(null)
  const { credits, window, atLimit } = fields
  const change = (part: Partial<Fields>): void => setFields((before) => ({ ...before, ...part }))
  const path = `/credits/v1/budgets/${encodeURIComponent(`employee:${employee.id}`)}`
  const limit = /^\d+(\.\d{1,2})?$/.test(credits) ? creditsToMicro(credits) : null
  const isTouched = JSON.stringify(fields) !== JSON.stringify(fieldsOf(base))
  const isOlder = versionOf(base) !== versionOf(budget)
  const isChangedElsewhere = (isOlder && isTouched && !isReloading) || failure?.code === 'version_conflict'
  useEffect(() => {
    if (!isOlder || (isTouched && !isReloading)) return
    setBase(budget)
    setFields(fieldsOf(budget))
    setReloading(false)
  }, [budget, isOlder, isTouched, isReloading])
  const reload = (): void => {
    setFailure(null)
    setReloading(true)
    onSaved()
  }
  const isBelowUsed = budget !== undefined && window === budget.window && limit !== null && limit <= budget.used

  const attempt = async (act: () => Promise<unknown>): Promise<void> => {
    setFailure(null)
    try {
      await act()
      reload()
    } catch (error) {
      setFailure(asFailure(error))
    }
  }
  const save = () =>
    client.ask(path, { method: 'PUT', body: { limit, window, atLimit, expectedVersion: versionOf(base) } })
  return (
    <>
      <p>
        <BudgetWords budget={budget} isKnown />
      </p>
      {budget?.raisedUntil != null && <Raised budget={budget} />}
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault()
          if (limit !== null) void attempt(save)
        }}
      >
        <span className="choice">
          <label htmlFor={id}>{t('budget.credits')}</label>{' '}
          <input
            id={id}
            type="number"
            inputMode="decimal"
            min="0.01"
            step="0.01"
            required
            value={credits}
            onChange={({ target }) => change({ credits: target.value })}
          />
        </span>
        <Choice label={t('budget.window')} value={window} onChange={(next) => change({ window: next as BudgetWindow })}>
          {windows.map((each) => (
            <option key={each} value={each}>
              {t(`budget.window.${each}`)}
            </option>
          ))}
        </Choice>
        <Choice label={t('budget.atLimit')} value={atLimit} onChange={(next) => change({ atLimit: next as AtLimit })}>
          {atLimits.map((each) => (
            <option key={each} value={each}>
              {t(`budget.atLimit.${each}`)}
            </option>
          ))}
        </Choice>
        <button type="submit" className="button">
          {t('budget.save')}
        </button>
        {budget !== undefined && (
          <button
            type="button"
            className="button"
            onClick={() => void attempt(() => client.ask(path, { method: 'DELETE' }))}
          >
            {t('budget.remove')}
          </button>
        )}
      </form>
      {isBelowUsed && (
        <p className="notice" role="status">
          {t(atLimit === 'notify' ? 'budget.belowUsedNotify' : 'budget.belowUsed', {
            used: formats.spend(toMicro(budget.used)),
          })}
        </p>
      )}
      {isChangedElsewhere && (
        <p role="alert" className="failed">
          {t('budget.conflict')}{' '}
          <button type="button" className="button" onClick={reload}>
            {t('budget.reload')}
          </button>
        </p>
      )}
      {failure !== null && !isChangedElsewhere && (
        <p role="alert" className="failed">
          {t('employees.notSaved', { reason: failure.message })}
        </p>
      )}
      {budget !== undefined && (
        <Raise budget={budget} raise={(body) => attempt(() => client.ask(`${path}/raise`, { method: 'POST', body }))} />
      )}
    </>
  )
}

function Raised({ budget: { raisedUntil } }: { readonly budget: Budget }): ReactNode {
  const { calendarOf } = useCredits()
  return <p>{t('budget.raised', { moment: calendarOf('UTC').moment(Date.parse(raisedUntil!)) })}</p>
}

interface RaiseProps {
  readonly budget: Budget
  readonly raise: (body: { readonly limit: number; readonly until: string }) => Promise<void>
}

/** How long a raise lasts, hours. */
const spans = [1, 8, 24, 168] as const

/** More for a while; it ends by itself. */
function Raise({ budget, raise }: RaiseProps): ReactNode {
  const id = useId()
  const [credits, setCredits] = useState(microToCredits(toMicro(budget.limit * 2)))
  const [hours, setHours] = useState(String(spans[0]))
  const until = (): string => new Date(Date.now() + Number(hours) * 3_600_000).toISOString()
  return (
    <details>
      <summary>{t('budget.raiseForAWhile')}</summary>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault()
          void raise({ limit: creditsToMicro(credits), until: until() })
        }}
      >
        <span className="choice">
          <label htmlFor={id}>{t('budget.raiseTo')}</label>{' '}
          <input
            id={id}
            type="number"
            inputMode="decimal"
            min="0.01"
            step="0.01"
            required
            value={credits}
            onChange={({ target }) => setCredits(target.value)}
          />
        </span>
        <Choice label={t('budget.raiseFor')} value={hours} onChange={setHours}>
          {spans.map((span) => (
            <option key={span} value={String(span)}>
              {t(`budget.hours.${span}`)}
            </option>
          ))}
        </Choice>
        <button type="submit" className="button">
          {t('budget.raise')}
        </button>
      </form>
    </details>
  )
}
