import { type ReactNode, useEffect, useRef } from 'react'
import { Link, useLocation } from 'wouter'
import { AlertsBell, CreditAlerts, CreditBar } from '../react/index.ts'
import { ErrorBoundary } from './error-boundary.tsx'
import { paths } from './paths.ts'
import { t } from './words.ts'

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
          <Link href={paths.chat}>{t('nav.chat')}</Link> <Link href={paths.usage}>{t('nav.usage')}</Link>
        </nav>
        <ErrorBoundary key="bar">
          <AlertsBell className="header-bell" />
          <CreditBar links={{ upgrade: paths.plans, buy: paths.packs, usage: paths.usage }} className="header-bar" />
        </ErrorBoundary>
      </header>
      <CreditAlerts links={{ upgrade: paths.plans, buy: paths.packs }} />
      <main id="main" ref={main} tabIndex={-1}>
        <ErrorBoundary key={location}>{children}</ErrorBoundary>
      </main>
    </div>
  )
}
