import { type ReactNode, useRef, useState } from 'react'
import {
  asFailure,
  type Employee,
  type Failure,
  InsufficientNotice,
  type Page,
  type Price,
  type Session,
  useAsked,
  useCredits,
} from '../../../react/index.ts'
import { playCall } from '../../calls/calls-here.ts'
import { useShownCalls } from '../../calls/use-shown-calls.ts'
import { paths, waysToCredits } from '../../paths.ts'
import { t } from '../../words.ts'
import { JoinMeeting } from './join-meeting.tsx'

export interface StartCallProps {
  readonly employee: Employee
  readonly onBegun: (id: string) => void
}

interface Wanted {
  readonly kind: Session['kind']
  readonly meetingUrl?: string
  /** The page itself; left out, what the server has for real meetings. */
  readonly adapter?: 'browser'
}

/** The ways to begin a call with an employee that has none, each with its price. */
export function StartCall({ employee, onBegun }: StartCallProps): ReactNode {
  const { client, store, formats } = useCredits()
  const prices = useAsked<Page<Price>>('/credits/v1/prices')
  const isBusy = useShownCalls().some(({ employeeId, state }) => employeeId === employee.id && state !== 'ended')
  const [isStarting, setStarting] = useState(false)
  const [isJoining, setJoining] = useState(false)
  const [refusal, setRefusal] = useState<Failure | null>(null)
  /** Under the same key what was asked for begins once, whoever heard the first answer. */
  const attempt = useRef<{ readonly key: string; readonly wanted: string } | null>(null)
  const priceOf = (kind: Session['kind']): number | undefined =>
    prices.data?.items.find(({ session }) => session === kind)?.amount

  const start = async (wanted: Wanted): Promise<void> => {
    if (isStarting) return
    const body = { ...wanted, employee: employee.id }
    const asked = JSON.stringify(body)
    if (attempt.current?.wanted !== asked) attempt.current = { key: crypto.randomUUID(), wanted: asked }
    setJoining(false)
    setRefusal(null)
    setStarting(true)
    try {
      const headers = { 'idempotency-key': attempt.current.key }
      const session = await client.ask<Session>('/credits/v1/sessions', { method: 'POST', body, headers })
      attempt.current = null
      if (session.adapter === 'browser') playCall(session.id)
      onBegun(session.id)
      store.learnSession(session)
    } catch (error) {
      const failure = asFailure(error)
      // Whether it has begun is not known: only the same key tells
      if (failure.status !== 0 && failure.status < 500) attempt.current = null
      // Then the form is covered, and says why
      if (!store.report402(failure)) setRefusal(failure)
    }
    setStarting(false)
  }
  if (isBusy) return null
  const [voice, meeting] = [priceOf('voice'), priceOf('meeting')]
  return (
    <>
      <p className="actions">
        {voice !== undefined && (
          <button type="button" className="button" onClick={() => void start({ kind: 'voice', adapter: 'browser' })}>
            {t('call.start', { price: formats.exact(voice) })}
          </button>
        )}
        {meeting !== undefined && (
          <button type="button" className="button" onClick={() => setJoining(true)}>
            {t('call.join', { price: formats.exact(meeting) })}
          </button>
        )}
        <span role="status">{isStarting && t('call.connecting')}</span>
      </p>
      {isJoining && (
        <JoinMeeting
          employee={employee}
          onJoin={({ url, isExample }) =>
            void start({ kind: 'meeting', meetingUrl: url, ...(isExample ? { adapter: 'browser' } : {}) })
          }
          onClose={() => setJoining(false)}
        />
      )}
      {refusal !== null && <Refused refusal={refusal} employee={employee} />}
    </>
  )
}

function Refused({ refusal, employee }: { readonly refusal: Failure; readonly employee: Employee }): ReactNode {
  const { code, message, needed, available } = refusal
  if (code === 'insufficient_credits' && needed !== undefined)
    return <InsufficientNotice needed={needed} available={available} links={waysToCredits} />
  if (code === 'budget_exhausted')
    return (
      <p role="alert" className="failed">
        {t('call.noBudget', { name: employee.name })}{' '}
        <a href={`${paths.employee(employee.id)}#budget`}>{t('budget.raise')}</a>
      </p>
    )
  return (
    <p role="alert" className="failed">
      {t('call.notBegun', { reason: message })}
    </p>
  )
}
