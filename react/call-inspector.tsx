import type { ReactNode } from 'react'
import type { Session, SessionCost } from './api/shapes.ts'
import { Inspector } from './inspector.tsx'
import { useAccount, useCredits } from './provider.tsx'
import { sessionPath } from './session-path.ts'
import { useAsked } from './use-asked.ts'

export interface CallInspectorProps {
  readonly session: Session
  readonly onClose: () => void
}

/** All that a call's cost is made of: a receipt for each minute. */
export function CallInspector({ session: { id, rate }, onClose }: CallInspectorProps): ReactNode {
  const { formats, t } = useCredits()
  const { balance } = useAccount()
  // The receipt of the last minute comes a moment after its end
  const { data, error, refetch } = useAsked<SessionCost>(sessionPath(id, 'cost'), {
    follows: String(balance?.version),
  })
  const subject = { label: t('call.inspect.session'), id }
  const perMinute = formats.exact(rate)
  const cost = data === null ? null : { ...data, lines: data.lines.map((line) => ({ ...line, rate: perMinute })) }
  return (
    <Inspector title={t('call.inspect.title')} subject={subject} cost={cost} onClose={onClose}>
      {error === null ? (
        <div className="cr-skeleton cr-breakdown-skeleton" aria-busy="true" />
      ) : (
        <p role="alert">
          {t('call.inspect.failed', { reason: error.message })}{' '}
          <button type="button" className="cr-link" onClick={refetch}>
            {t('retry')}
          </button>
        </p>
      )}
    </Inspector>
  )
}
