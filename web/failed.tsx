import type { ReactNode } from 'react'
import type { Loaded } from '../react/index.ts'
import { t } from './words.ts'

export interface FailedProps {
  readonly loaded: Pick<Loaded<unknown>, 'error' | 'refetch'>
  readonly what: string
}

/** Why something is not there, and the way to try again. */
export function Failed({ loaded: { error, refetch }, what }: FailedProps): ReactNode {
  if (error === null) return null
  return (
    <p role="alert" className="failed">
      {t('section.failed', { what, reason: error.message })}{' '}
      {error.requestId !== undefined && <code>{error.requestId}</code>}{' '}
      <button type="button" className="button" onClick={refetch}>
        {t('retry')}
      </button>
    </p>
  )
}
