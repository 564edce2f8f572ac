import { type ReactNode, useEffect, useRef } from 'react'
import { Link, useLocation } from 'wouter'
import { AlertsBell, CreditAlerts, CreditBar } from '../react/index.ts'
import { CallKeeper } from './calls/call-keeper.tsx'
import { OtherCalls } from './calls/other-calls.tsx'
import { ErrorBoundary } from './error-boundary.tsx'
import { PaletteDoor } from './palette/palette-door.tsx'
import { paths } from './paths.ts'
import { SignOut } from './sign-out.tsx'
import { SettingsTabs } from './tabs.tsx'
import { ThemeChoice } from './theme.tsx'
import { t } from './words.ts'

const pages = [
  [paths.chat, 'nav.chat'],
  [paths.employees, 'nav.employees'],
  [paths.subscription, 'nav.settings'],
] as const

const isAt = (location: string, path: string): boolean => location === path || location.startsWith(`${path}/`)

/** Around every page of somebody who is signed in. */
export function Shell({ children }: { readonly children: ReactNode }): ReactNode {
  const [location] = useLocation()
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)
  useEffect(() => {
    // The first page has the focus where the browser put it
    if (!isFirst.current) main.current?.focus()
    isFirst.current = false
  }, [location])
  return (
    <div className="shell cr-root">
      <a className="skip" href="#main">
        {t('skip')}
      </a>
      <header className="header">
        <Link href={paths.usage} className="brand">
          Tollgate
        </Link>
        <nav aria-label={t('nav')}>
          {pages.map(([path, name]) => (
            <Link key={path} href={path} aria-current={isAt(location, path) ? 'true' : undefined}>
              {t(name)}
            </Link>
          ))}
        </nav>
        <ErrorBoundary key="bar">
          <AlertsBell className="header-bell" />
          <CreditBar links={{ upgrade: paths.plans, buy: paths.packs, usage: paths.usage }} className="header-bar" />
        </ErrorBoundary>
      </header>
      <CallKeeper />
      <CreditAlerts links={{ upgrade: paths.plans, buy: paths.packs }} />
      <main id="main" ref={main} tabIndex={-1}>
        {isAt(location, '/settings') && <SettingsTabs />}
        {!isAt(location, paths.chat) && <OtherCalls />}
        <ErrorBoundary key={location}>{children}</ErrorBoundary>
      </main>
      <footer className="footer">
        <ThemeChoice /> <PaletteDoor /> <SignOut />
      </footer>
    </div>
  )
}
