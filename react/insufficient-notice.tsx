'use client'
import { type ReactNode, useState } from 'react'
import { toMicro } from '../credits/money.ts'
import { useAccount, useCredits } from './provider.tsx'
import { type CreditWays, WaysToCredits } from './ways-to-credits.tsx'

export interface InsufficientNoticeProps {
  /** What it takes, µcr. */
  readonly needed: number
  /** What a refusal said that there was: it counts until the balance changes. */
  readonly available?: number | undefined
  readonly links?: CreditWays
}

/** Something costs more than there is. Nothing once there is enough, or while nobody knows what there is. */
export function InsufficientNotice({ needed, available, links = {} }: InsufficientNoticeProps): ReactNode {
  const { balance } = useAccount()
  const { formats, t } = useCredits()
  const [versionThen] = useState(balance?.version)
  const there = balance?.version === versionThen ? (available ?? balance?.available) : balance?.available
  if (there === undefined || there >= needed) return null
  return (
    <div className="cr-notice cr-root" role="alert">
      <p>
        {t('insufficient.words', {
          needed: formats.exact(needed),
          available: formats.remaining(toMicro(there)),
        })}
      </p>
      <WaysToCredits links={links} />
    </div>
  )
}
