'use client'
import { type ReactNode, useEffect, useRef } from 'react'
import { alertWords } from './alert-words.ts'
import { useAccount, useCredits } from './provider.tsx'

export interface AlertsBellProps {
  readonly className?: string
}

/** This period's alerts, with the number of those that nobody has seen; opening it sees them all. */
export function AlertsBell({ className }: AlertsBellProps): ReactNode {
  const { alerts, balance } = useAccount()
  const { store, t, calendarOf } = useCredits()
  const button = useRef<HTMLButtonElement>(null)
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // See the credit bar
    if (button.current !== null) button.current.popoverTargetElement = list.current
  })
  const calendar = calendarOf(balance?.timeZone ?? 'UTC')
  const unseen = alerts.filter(({ acknowledgedAt }) => acknowledgedAt === null)
  return (
    <div className={['cr-root cr-bell', className].filter(Boolean).join(' ')}>
      <button ref={button} type="button" className="cr-bell-button">
        <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
          <path
            d="M6 17V11a6 6 0 0 1 12 0v6l1.5 2h-15zM10 21h4"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.8"
            strokeLinejoin="round"
            strokeLinecap="round"
          />
        </svg>
        <span className="cr-hidden">
          {unseen.length === 0 ? t('alerts.title') : t('alerts.new', { count: unseen.length })}
        </span>
        {unseen.length > 0 && (
          <span className="cr-bell-count" aria-hidden="true">
            {unseen.length}
          </span>
        )}
      </button>
      <div
        ref={list}
        popover="auto"
        className="cr-menu"
        role="dialog"
        aria-label={t('alerts.title')}
        onToggle={({ newState }) => {
          if (newState === 'open') for (const { id } of unseen) void store.acknowledge(id)
        }}
      >
        {alerts.length === 0 ? (
          <p className="cr-soft">{t('alerts.none')}</p>
        ) : (
          <ul className="cr-alerts">
            {alerts.map((alert) => (
              <li key={alert.id} data-threshold={alert.threshold}>
                {alertWords(t, alert)} <time dateTime={alert.at}>{calendar.moment(Date.parse(alert.at))}</time>
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  )
}
