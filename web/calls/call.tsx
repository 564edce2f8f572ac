import { type ReactNode, useState } from 'react'
import { CallMeter, type Session } from '../../react/index.ts'
import { waysToCredits } from '../paths.ts'
import { t } from '../words.ts'
import { closeCall, useCallsHere } from './calls-here.ts'

export interface CallProps {
  readonly session: Session
  /** Of the employee; its id where it is not known. */
  readonly name: string | undefined
  /** It has just begun by a press here. */
  readonly takesFocus?: boolean
}

/** One call with what this tab can do for it. */
export function Call({ session: { id, state, adapter }, name, takesFocus = false }: CallProps): ReactNode {
  const isHere = useCallsHere().played.includes(id)
  const [isMuted, setMuted] = useState(false)
  return (
    <CallMeter
      sessionId={id}
      name={name}
      links={waysToCredits}
      isElsewhere={!isHere && adapter === 'browser'}
      takesFocus={takesFocus}
    >
      {state === 'ended' ? (
        <button type="button" className="button" onClick={() => closeCall(id)}>
          {t('call.close')}
        </button>
      ) : (
        isHere && (
          <button type="button" className="button" aria-pressed={isMuted} onClick={() => setMuted(!isMuted)}>
            {t('call.mute')}
          </button>
        )
      )}
    </CallMeter>
  )
}
