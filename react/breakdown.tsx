'use client'
import type { ReactNode } from 'react'
import type { Usage, UsageLine } from './api/shapes.ts'
import { useCredits } from './provider.tsx'
import { useExpanded } from './use-expanded.ts'
import type { Loaded } from './use-asked.ts'

/** What this period's credits went to, line by line, to be opened down to the model. */
export function Breakdown({ usage }: { readonly usage: Loaded<Usage> }): ReactNode {
  const { t } = useCredits()
  const { expanded, toggle } = useExpanded()
  if (usage.error !== null)
    return (
      <p role="alert" className="cr-breakdown-failed">
        {t('menu.breakdownFailed')}{' '}
        <button type="button" className="cr-link" onClick={usage.refetch}>
          {t('retry')}
        </button>
      </p>
    )
  if (usage.data === null) return <p className="cr-skeleton cr-breakdown-skeleton" aria-hidden="true" />
  if (usage.data.total === 0 && usage.data.rows.every(({ credits }) => credits === 0))
    return <p className="cr-soft">{t('menu.nothing')}</p>
  return (
    <ul className="cr-breakdown" data-ledger-version={usage.data.ledgerVersion}>
      {usage.data.rows.map((line) => (
        <Line key={line.key} line={line} expanded={expanded} toggle={toggle} />
      ))}
    </ul>
  )
}

function Line({
  line,
  expanded,
  toggle,
}: {
  readonly line: UsageLine
  readonly expanded: ReadonlySet<string>
  readonly toggle: (key: string) => void
}): ReactNode {
  const { formats, t } = useCredits()
  const { key, label, credits, children = [], local } = line
  const isOpen = expanded.has(key)
  const amount = (
    <span className="cr-amount" title={formats.exact(credits)}>
      {formats.spend(credits)}
    </span>
  )
  return (
    <li>
      {children.length === 0 ? (
        <span className="cr-line">
          <span>
            {label} {local === true && <span className="cr-soft">{t('usage.local')}</span>}
          </span>
          {amount}
        </span>
      ) : (
        <button type="button" className="cr-line" aria-expanded={isOpen} onClick={() => toggle(key)}>
          <span>{label}</span>
          {amount}
        </button>
      )}
      {isOpen && (
        <ul>
          {children.map((child) => (
            <Line key={child.key} line={child} expanded={expanded} toggle={toggle} />
          ))}
        </ul>
      )}
    </li>
  )
}
