'use client'
import type { ReactNode } from 'react'
import type { MessageCost } from './api/shapes.ts'
import { Inspector } from './inspector.tsx'
import { useCredits } from './provider.tsx'

export interface MessageInspectorProps {
  readonly cost: MessageCost
  readonly onClose: () => void
}

/** All that a message's cost is made of. */
export function MessageInspector({ cost, onClose }: MessageInspectorProps): ReactNode {
  const { t } = useCredits()
  const subject = { label: t('inspect.message'), id: cost.messageId }
  return <Inspector title={t('inspect.title')} subject={subject} cost={cost} onClose={onClose} />
}
