'use client'
import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { toMicro } from '../credits/money.ts'
import type { Budget, Employee } from './api/shapes.ts'
import { useAccount, useCredits } from './provider.tsx'
import { useCreditGate } from './use-credit-gate.ts'
import { type CreditWays, WaysToCredits } from './ways-to-credits.tsx'

export interface DepletedOverlayProps {
  /** Who would do the work: its budget, and that of its organization, count too. */
  readonly employee?: Pick<Employee, 'id' | 'organization'>
  readonly links?: CreditWays & {
    /** Where a budget is raised, and where somebody else can be asked. */
    readonly raise?: string
    readonly switch?: string
  }
  /** What cannot be used meanwhile: a message's form. It keeps what was written in it. */
  readonly children: ReactNode
}

/** Lies over what needs credits while there are none, or while a budget is used up. What is not known disables nothing. */
export function DepletedOverlay({ employee, links = {}, children }: DepletedOverlayProps): ReactNode {
  const { level } = useAccount()
  const { t } = useCredits()
  const gate = useCreditGate(employee)
  const budget = gate.allowed === false && gate.reason === 'budget' ? gate.budget : null
  const isCovered = gate.allowed === false
  const titleId = useId()
  const inside = useRef<HTMLFieldSetElement>(null)
  const overlay = useRef<HTMLDivElement>(null)
  const [isBack, setBack] = useState(false)
  const wasCovered = useRef(isCovered)
  const hadFocus = useRef(false)

  useEffect(() => {
    if (isCovered) setBack(false)
    else if (wasCovered.current) {
      setBack(true)
      // Nobody's place is taken who has gone on elsewhere
      if (hadFocus.current || document.activeElement === document.body)
        inside.current?.querySelector<HTMLElement>('textarea, input, button')?.focus()
    }
    wasCovered.current = isCovered
  }, [isCovered])

  return (
    <div className="cr-gate cr-root" data-level={level}>
      <fieldset ref={inside} disabled={isCovered} className="cr-gated">
        {children}
      </fieldset>
      {isCovered && (
        <div
          ref={overlay}
          className="cr-depleted"
          data-reason={budget === null ? 'depleted' : 'budget'}
          role="group"
          aria-labelledby={titleId}
          onFocus={() => (hadFocus.current = true)}
          onBlur={() => (hadFocus.current = false)}
        >
          <h2 id={titleId}>{t(budget === null ? 'depleted.title' : 'budget.title')}</h2>
          {budget === null ? <Depleted links={links} /> : <BudgetReached budget={budget} links={links} />}
        </div>
      )}
      <p className="cr-hidden" role="status">
        {isBack && t('depleted.over')}
      </p>
    </div>
  )
}

function Depleted({ links }: Required<Pick<DepletedOverlayProps, 'links'>>): ReactNode {
  const { balance, clockOffsetMs } = useAccount()
  const { t, calendarOf } = useCredits()
  const endMs = balance === null ? null : Date.parse(balance.periodEnd)
  const calendar = calendarOf(balance?.timeZone ?? 'UTC')
  return (
    <>
      <p>{t('depleted.why')}</p>
      {endMs !== null && (
        <p>
          {t('depleted.refreshes', {
            date: calendar.day(endMs),
            until: calendar.until(endMs, Date.now() + clockOffsetMs),
          })}
        </p>
      )}
      <WaysToCredits links={links} />
    </>
  )
}

function BudgetReached({
  budget: { name, limit, window, atLimit },
  links,
}: Required<Pick<DepletedOverlayProps, 'links'>> & { readonly budget: Budget }): ReactNode {
  const { formats, t } = useCredits()
  return (
    <>
      <p>{t(`budget.why.${window}`, { name, count: formats.exact(toMicro(limit)) })}</p>
      <p>{t(atLimit === 'stop' ? 'budget.stop' : 'budget.pause')}</p>
      <p className="cr-menu-links">
        {links.raise !== undefined && <a href={links.raise}>{t('budget.raise')}</a>}
        {links.switch !== undefined && <a href={links.switch}>{t('budget.switch')}</a>}
      </p>
    </>
  )
}
