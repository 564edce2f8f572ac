import type { ReactNode } from 'react'
import type { Formats } from '../credits/formats.ts'
import type { Translate } from './messages.ts'

export interface SpentProps {
  /** µcr. */
  readonly amount: number
  /** The words around the count. */
  readonly say: (count: string) => string
  readonly t: Translate
  readonly formats: Formats
}

/** What something cost, all of it for whoever points at it, and in words where it is very little. */
export function Spent({ amount, say, t, formats }: SpentProps): ReactNode {
  const count = formats.spend(amount)
  if (!count.startsWith('<')) return <span title={formats.exact(amount)}>{say(count)}</span>
  return (
    <>
      <span aria-hidden="true" title={formats.exact(amount)}>
        {say(count)}
      </span>
      <span className="cr-hidden">{t('cost.smallest')}</span>
    </>
  )
}
