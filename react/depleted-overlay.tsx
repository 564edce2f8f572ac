'use client'
import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { useAccount, useCredits } from './provider.tsx'

export interface DepletedOverlayProps {
  readonly links?: { readonly upgrade?: string; readonly buy?: string; readonly free?: string }
  /** Somebody was refused for want of credits, whatever the balance on the page says. */
  readonly isRefused?: boolean
  /** What cannot be used meanwhile: a message's form. It keeps what was written in it. */
  readonly children: ReactNode
}

/** Lies over what needs credits while there are none. A balance that is not known disables nothing. */
export function DepletedOverlay({ links = {}, isRefused = false, children }: DepletedOverlayProps): ReactNode {
  const { balance, level, clockOffsetMs } = useAccount()
  const { t, calendarOf } = useCredits()
  const isDepleted = level === 'depleted' || isRefused
  const titleId = useId()
  const inside = useRef<HTMLFieldSetElement>(null)
  const overlay = useRef<HTMLDivElement>(null)
  const [isBack, setBack] = useState(false)
  const wasDepleted = useRef(isDepleted)
  const hadFocus = useRef(false)

  useEffect(() => {
    if (isDepleted) setBack(false)
    else if (wasDepleted.current) {
      setBack(true)
      // Nobody's place is taken who has gone on elsewhere
      if (hadFocus.current || document.activeElement === document.body)
        inside.current?.querySelector<HTMLElement>('textarea, input, button')?.focus()
    }
    wasDepleted.current = isDepleted
  }, [isDepleted])

  const endMs = balance === null ? null : Date.parse(balance.periodEnd)
  const calendar = calendarOf(balance?.timeZone ?? 'UTC')
  return (
    <div className="cr-gate cr-root" data-level={level}>
      <fieldset ref={inside} disabled={isDepleted} className="cr-gated">
        {children}
      </fieldset>
      {isDepleted && (
        <div
          ref={overlay}
          className="cr-depleted"
          role="group"
          aria-labelledby={titleId}
          onFocus={() => (hadFocus.current = true)}
          onBlur={() => (hadFocus.current = false)}
        >
          <h2 id={titleId}>{t('depleted.title')}</h2>
          <p>{t('depleted.why')}</p>
          {endMs !== null && (
            <p>
              {t('depleted.refreshes', {
                date: calendar.day(endMs),
                until: calendar.until(endMs, Date.now() + clockOffsetMs),
              })}
            </p>
          )}
          <p className="cr-menu-links">
            {links.upgrade !== undefined && <a href={links.upgrade}>{t('depleted.upgrade')}</a>}
            {links.buy !== undefined && <a href={links.buy}>{t('depleted.buy')}</a>}
            {links.free !== undefined && <a href={links.free}>{t('depleted.free')}</a>}
          </p>
        </div>
      )}
      <p className="cr-hidden" role="status">
        {isBack && t('depleted.over')}
      </p>
    </div>
  )
}
