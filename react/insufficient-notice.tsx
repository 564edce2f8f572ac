'use client'
import type { ReactNode } from 'react'
import { toMicro } from '../credits/money.ts'
import { useAccount, useCredits } from './provider.tsx'
import { type CreditWays, WaysToCredits } from './ways-to-credits.tsx'

export interface InsufficientNoticeProps {
  /** What it takes, µcr. */
  readonly needed: number
  readonly links?: CreditWays
}

/** Something costs more than there is. Nothing once there is enough, or while nobody knows what there is. */
export function InsufficientNotice({ needed, links = {} }: InsufficientNoticeProps): ReactNode {
  const { balance } = useAccount()
  const { formats, t } = useCredits()
  if (balance === null || balance.available >= needed) return null
  return (
    <div className="cr-notice cr-root" role="alert">
      <p>
        {t('insufficient.words', {
          needed: formats.exact(needed),
          available: formats.remaining(toMicro(balance.available)),
        })}
      </p>
      <WaysToCredits links={links} />
    </div>
  )
}
