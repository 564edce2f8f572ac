'use client'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { atMost } from '../credits/level.ts'
import { alertWords } from './alert-words.ts'
import type { Alert, Balance } from './api/shapes.ts'
import { useAccount, useCredits } from './provider.tsx'
import { useIsLookedAt } from './use-is-looked-at.ts'

export interface CreditAlertsProps {
  readonly links?: { readonly upgrade?: string; readonly buy?: string }
}

/** From here on, percent, a notice stays until it is closed or no longer true. */
const staysFrom = 15
const shownForMs = 10_000

/**
 * Tells of each alert once, in the tab that is looked at: of several the worst. What was told is acknowledged, so that no reload and no other device tells it again. A notice goes
 * when credits came that make it untrue.
 */
export function CreditAlerts({ links = {} }: CreditAlertsProps): ReactNode {
  const { alerts, balance } = useAccount()
  const { store } = useCredits()
  const isLookedAt = useIsLookedAt()
  const [shownId, setShownId] = useState<string | null>(null)
  const told = useRef(new Set<string>())
  const shown = alerts.find(({ id }) => id === shownId)
  const holds = (alert: Alert): boolean => balance !== null && stillHolds(alert, balance)

  useEffect(() => {
    if (!isLookedAt || balance === null) return
    const news = alerts.filter(({ id, acknowledgedAt }) => acknowledgedAt === null && !told.current.has(id))
    const worst = news.filter((alert) => stillHolds(alert, balance)).toSorted(byThreshold)[0]
    if (worst === undefined) return
    setShownId(worst.id)
    for (const { id } of news.filter(({ threshold }) => threshold >= worst.threshold)) {
      told.current.add(id)
      void store.acknowledge(id)
    }
  }, [alerts, balance, isLookedAt, store])

  const toast = shown !== undefined && holds(shown) && (
    <Toast key={shown.id} alert={shown} links={links} onClose={() => setShownId(null)} />
  )
  const isUrgent = shown !== undefined && shown.threshold <= staysFrom
  return (
    <div className="cr-toasts cr-root">
      <div role="status">{!isUrgent && toast}</div>
      <div role="alert">{isUrgent && toast}</div>
    </div>
  )
}

const byThreshold = (one: Alert, other: Alert): number => one.threshold - other.threshold

function stillHolds({ threshold }: Alert, { remaining, total }: Balance): boolean {
  return atMost(remaining, total, threshold)
}

interface ToastProps extends Required<CreditAlertsProps> {
  readonly alert: Alert
  readonly onClose: () => void
}

function Toast({ alert, links, onClose }: ToastProps): ReactNode {
  const { t } = useCredits()
  const [isPaused, setPaused] = useState(false)
  const close = useRef(onClose)
  close.current = onClose
  useEffect(() => {
    if (alert.threshold <= staysFrom || isPaused) return undefined
    const timer = setTimeout(() => close.current(), shownForMs)
    return () => clearTimeout(timer)
  }, [alert.threshold, isPaused])
  return (
    <div
      className="cr-toast"
      data-threshold={alert.threshold}
      onMouseEnter={() => setPaused(true)}
      onMouseLeave={() => setPaused(false)}
      onFocus={() => setPaused(true)}
      onBlur={() => setPaused(false)}
    >
      <p>{alertWords(t, alert)}</p>
      <p className="cr-menu-links">
        {links.buy !== undefined && <a href={links.buy}>{t('menu.buy')}</a>}
        {links.upgrade !== undefined && <a href={links.upgrade}>{t('menu.upgrade')}</a>}
        <button type="button" className="cr-link" onClick={onClose}>
          {t('alerts.close')}
        </button>
      </p>
    </div>
  )
}
