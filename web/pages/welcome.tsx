import type { ReactNode } from 'react'
import { Title } from '../title.tsx'
import { t } from '../words.ts'

/** For somebody who is not signed in. */
export function Welcome(): ReactNode {
  return (
    <main className="welcome cr-root">
      <Title>{t('welcome.title')}</Title>
      <p>{t('welcome.text')}</p>
      <p className="welcome-doors">
        <a className="button" href="/login">
          {t('welcome.signIn')}
        </a>{' '}
        <a className="button" href="/signup">
          {t('welcome.signUp')}
        </a>
      </p>
    </main>
  )
}
