import type { ReactNode } from 'react'
import { Link, useLocation } from 'wouter'
import { paths } from './paths.ts'
import { t } from './words.ts'

const tabs = [
  [paths.subscription, 'tabs.overview'],
  [paths.usage, 'nav.usage'],
  [paths.freeCredits, 'free.title'],
] as const

/** The pages of the settings. */
export function SettingsTabs(): ReactNode {
  const [location] = useLocation()
  return (
    <nav aria-label={t('tabs')} className="tabs">
      {tabs.map(([path, name]) => (
        <Link key={path} href={path} aria-current={location === path ? 'page' : undefined}>
          {t(name)}
        </Link>
      ))}
    </nav>
  )
}
