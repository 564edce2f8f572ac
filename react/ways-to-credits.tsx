import type { ReactNode } from 'react'
import { useCredits } from './provider.tsx'

/** Where more credits are to be had; a way without an address is left out. */
export interface CreditWays {
  readonly upgrade?: string
  readonly buy?: string
  readonly free?: string
}

export function WaysToCredits({ links }: { readonly links: CreditWays }): ReactNode {
  const { t } = useCredits()
  return (
    <p className="cr-menu-links">
      {links.upgrade !== undefined && <a href={links.upgrade}>{t('depleted.upgrade')}</a>}
      {links.buy !== undefined && <a href={links.buy}>{t('depleted.buy')}</a>}
      {links.free !== undefined && <a href={links.free}>{t('depleted.free')}</a>}
    </p>
  )
}
