'use client'
import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import type { Calendar } from '../credits/calendar.ts'
import type { Formats } from '../credits/formats.ts'
import { percentUsed } from '../credits/level.ts'
import { toMicro } from '../credits/money.ts'
import type { AccountState } from './account-store.ts'
import { Announcer } from './announcer.tsx'
import type { Balance, GrantSource } from './api/shapes.ts'
import { Breakdown } from './breakdown.tsx'
import type { Translate } from './messages.ts'
import { Projection } from './projection.tsx'
import { useAccount, useCredits } from './provider.tsx'
import { useUsage } from './use-usage.ts'

export interface CreditLinks {
  readonly upgrade?: string
  readonly buy?: string
  readonly usage?: string
}

export interface CreditBarProps {
  readonly links?: CreditLinks
  readonly className?: string
  readonly onOpenChange?: (isOpen: boolean) => void
}

/** What is left, live; opens to what it was spent on. */
export function CreditBar({ links = {}, className, onOpenChange }: CreditBarProps): ReactNode {
  const account = useAccount()
  const { store, formats, t, calendarOf } = useCredits()
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <CreditBarView
        account={account}
        t={t}
        formats={formats}
        className={className}
        onRetry={() => void store.refetch()}
        onOpenChange={(next) => {
          setOpen(next)
          onOpenChange?.(next)
        }}
      >
        {isOpen && account.balance !== null && (
          <Menu
            balance={account.balance}
            account={account}
            links={links}
            calendar={calendarOf(account.balance.timeZone)}
          />
        )}
      </CreditBarView>
      <Announcer />
    </>
  )
}

export interface CreditBarViewProps {
  readonly account: Pick<AccountState, 'balance' | 'level' | 'percentLeft' | 'status' | 'heardAtMs' | 'error'>
  readonly t: Translate
  readonly formats: Formats
  readonly className?: string | undefined
  readonly onRetry?: () => void
  readonly onOpenChange?: (isOpen: boolean) => void
  /** What it opens to. */
  readonly children?: ReactNode
}

/** The bar of plain data: it asks nobody. */
export function CreditBarView({
  account,
  t,
  formats,
  className,
  onRetry,
  onOpenChange,
  children,
}: CreditBarViewProps): ReactNode {
  const { balance, level, percentLeft, status, error } = account
  const button = useRef<HTMLButtonElement>(null)
  const menu = useRef<HTMLDivElement>(null)
  const id = useId()
  useEffect(() => {
    // The attribute is spelled otherwise in each version of React, and a toggle of our own would fight the popover's way of closing
    if (button.current !== null) button.current.popoverTargetElement = menu.current
  })
  const shown = { 'data-level': level, 'data-status': status, 'data-version': balance?.version }
  const rootClass = ['cr-root cr-bar', className].filter(Boolean).join(' ')

  if (balance === null)
    return (
      <div className={rootClass} {...shown} aria-busy={error === null}>
        {error === null ? (
          <span className="cr-skeleton cr-bar-skeleton" role="img" aria-label={t('bar.loading')} />
        ) : (
          <span className="cr-bar-failed">
            {t('bar.unavailable')}{' '}
            <button type="button" className="cr-link" onClick={onRetry}>
              {t('retry')}
            </button>
          </span>
        )}
      </div>
    )
  const left =
    percentLeft === null
      ? t('bar.unknown', { count: formats.remainingShort(toMicro(balance.remaining)) })
      : t('bar.left', { percent: percentLeft })
  const isAway = status === 'stale' || status === 'offline'
  const name = [
    t('bar.plan', { plan: balance.plan.name }),
    left,
    ...(level === 'ok' || level === 'unknown' ? [] : [t(`level.spoken.${level}`)]),
    ...(isAway ? [t('status.stale')] : []),
  ].join(', ')
  return (
    <div className={rootClass} {...shown}>
      <button ref={button} type="button" className="cr-bar-button">
        <span className="cr-hidden">{name}</span>
        <span className="cr-bar-plan" aria-hidden="true">
          {balance.plan.name}
        </span>
        <Meter balance={balance} />
        <span className="cr-bar-percent" aria-hidden="true">
          {left}
        </span>
        <span className="cr-bar-level" aria-hidden="true">
          {isAway ? '⟳' : t(`level.${level}`)}
        </span>
      </button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        className="cr-menu"
        role="dialog"
        aria-label={t('menu.name')}
        onToggle={(event) => onOpenChange?.(event.newState === 'open')}
      >
        {children}
      </div>
    </div>
  )
}

function Meter({
  balance: { remaining, total },
}: {
  readonly balance: Pick<Balance, 'remaining' | 'total'>
}): ReactNode {
  const filled = total === 0 ? 0 : Math.min(100, (100 * remaining) / total)
  return (
    <span className="cr-meter" aria-hidden="true">
      <span className="cr-meter-fill" style={{ inlineSize: `${filled}%` }} />
    </span>
  )
}

function Menu({
  balance,
  account,
  links,
  calendar,
}: {
  readonly balance: Balance
  readonly account: AccountState
  readonly links: CreditLinks
  readonly calendar: Calendar
}): ReactNode {
  const { formats, t } = useCredits()
  const usage = useUsage()
  const [remaining, total] = [toMicro(balance.remaining), toMicro(balance.total)]
  const nowMs = Date.now() + account.clockOffsetMs
  const endMs = Date.parse(balance.periodEnd)
  const bySource = (kinds: readonly GrantSource[]) =>
    balance.sources.filter(({ kind }) => kinds.includes(kind)).reduce((all, { left }) => all + left, 0)
  const parts = (['plan', 'pack', 'welcome', 'promo', 'referral', 'refund', 'adjustment'] as const)
    .map((kind) => ({ kind, left: bySource([kind]) }))
    .filter(({ left }) => left > 0)
  return (
    <div className="cr-menu-content">
      <p className="cr-menu-count">
        {t('menu.count', { count: formats.remaining(remaining), total: formats.remaining(total) })}{' '}
        <span className="cr-soft">{formats.money(remaining)}</span>
      </p>
      {parts.some(({ kind }) => kind !== 'plan') && (
        <p className="cr-soft">
          {parts.map(({ kind, left }) => `${t(`source.${kind}`)} ${formats.remaining(toMicro(left))}`).join(' · ')}
        </p>
      )}
      <Meter balance={balance} />
      {account.percentLeft !== null && (
        <p>{t('menu.split', { left: account.percentLeft, used: percentUsed(remaining, total) ?? '' })}</p>
      )}
      {balance.held > 0 && <p className="cr-soft">{t('menu.held', { count: formats.exact(balance.held) })}</p>}
      <p>{t('menu.refreshes', { date: calendar.day(endMs), until: calendar.until(endMs, nowMs) })}</p>
      <Projection balance={balance} nowMs={nowMs} calendar={calendar} />
      {account.status === 'offline' && account.heardAtMs !== null && (
        <p role="status">{t('status.offline', { time: calendar.clock(account.heardAtMs) })}</p>
      )}
      <Breakdown usage={usage} />
      <p className="cr-menu-links">
        {links.upgrade !== undefined && <a href={links.upgrade}>{t('menu.upgrade')}</a>}
        {links.buy !== undefined && <a href={links.buy}>{t('menu.buy')}</a>}
        {links.usage !== undefined && <a href={links.usage}>{t('menu.usage')}</a>}
      </p>
    </div>
  )
}
