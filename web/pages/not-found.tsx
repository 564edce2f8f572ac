import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { paths } from '../paths.ts'
import { t } from '../words.ts'
import { Title } from '../title.tsx'

export function NotFound(): ReactNode {
  return (
    <>
      <Title>{t('notFound')}</Title>
      <p>
        <Link href={paths.usage}>{t('notFound.home')}</Link>
      </p>
    </>
  )
}
