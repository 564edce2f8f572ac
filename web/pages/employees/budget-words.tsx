import type { ReactNode } from 'react'
import { toMicro } from '../../../credits/money.ts'
import { type Budget, useCredits } from '../../../react/index.ts'
import { t } from '../../words.ts'

export interface BudgetWordsProps {
  readonly budget: Budget | undefined
  /** Whether it is known that there is none. */
  readonly isKnown: boolean
}

/** What a budget has left, drawn and in words. */
export function BudgetWords({ budget, isKnown }: BudgetWordsProps): ReactNode {
  const { formats } = useCredits()
  if (budget === undefined) return isKnown ? t('budget.none') : t('budget.unknown')
  const { limit, used, left, status, window } = budget
  const values = {
    used: formats.spend(toMicro(used)),
    limit: formats.exact(toMicro(limit)),
    left: formats.remaining(toMicro(left)),
  }
  return (
    <span className="budget" data-status={status}>
      <span className="cr-meter" aria-hidden="true">
        <span className="cr-meter-fill" style={{ inlineSize: `${(100 * left) / limit}%` }} />
      </span>{' '}
      {t(`budget.left.${window}`, values)}
      {status !== 'ok' && <strong> {t(`budget.status.${status}`)}</strong>}
    </span>
  )
}
