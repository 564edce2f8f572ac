'use client'
import { type ReactNode, useEffect, useState } from 'react'
import type { MessageCost as Cost } from './api/shapes.ts'
import { MessageInspector } from './message-inspector.tsx'
import { useCredits } from './provider.tsx'
import { Spent } from './spent.tsx'
import { useMessageCost } from './use-message-cost.ts'

export interface MessageCostProps {
  readonly messageId: string
  /** Whether the message is still being worked on. */
  readonly isWorking: boolean
  /** Hears what the message has cost so far, µcr. */
  readonly onCost?: (messageId: string, total: number) => void
}

/** What a message cost, under it; opens to what that is made of. */
export function MessageCost({ messageId, isWorking, onCost }: MessageCostProps): ReactNode {
  const { t } = useCredits()
  const { cost, error, isLate } = useMessageCost(messageId, !isWorking)
  const [isOpen, setOpen] = useState(false)
  const total = cost?.total
  useEffect(() => {
    if (total !== undefined) onCost?.(messageId, total)
  }, [messageId, total, onCost])
  if (isWorking) return <span className="cr-cost">{t('cost.working')}</span>
  if (cost === null) {
    const why = error !== null ? 'cost.failed' : isLate ? 'cost.late' : 'cost.calculating'
    return <span className="cr-cost">{t(why)}</span>
  }
  return (
    <span className="cr-cost" data-state={cost.state}>
      <CostWords cost={cost} /> {cost.local === true && <>{t('cost.local')} </>}
      <button type="button" className="cr-link" onClick={() => setOpen(true)}>
        {t('cost.inspect')}
      </button>
      {isOpen && <MessageInspector cost={cost} onClose={() => setOpen(false)} />}
    </span>
  )
}

function CostWords({ cost: { state, total } }: { readonly cost: Cost }): ReactNode {
  const { formats, t } = useCredits()
  if (state === 'not_charged') return t('cost.notCharged')
  const key = state === 'partial' ? 'cost.partial' : 'cost.credits'
  return <Spent amount={total} say={(count) => t(key, { count })} t={t} formats={formats} />
}
