import { useCallback, useEffect, useState } from 'react'
import type { Failure } from './api/failure.ts'
import type { MessageCost } from './api/shapes.ts'
import { useCredits } from './provider.tsx'
import { useAsked } from './use-asked.ts'

export interface KnownCost {
  /** null while nothing was charged for the message. */
  readonly cost: MessageCost | null
  readonly error: Failure | null
  /** The message is over since so long that its cost should be known. */
  readonly isLate: boolean
}

const lateAfterMs = 10_000

/** What a message cost so far, live. `isOver`: nothing more is done for it, as far as whoever shows it knows. */
export function useMessageCost(messageId: string, isOver: boolean): KnownCost {
  const { store, costs } = useCredits()
  const by = useCallback(() => costs.of(messageId), [costs, messageId])
  const [debits, setDebits] = useState(0)
  const [isLate, setLate] = useState(false)
  useEffect(
    () =>
      store.onEvent((event) => {
        if (event.event === 'debit' && event.data.messageId === messageId) setDebits((count) => count + 1)
      }),
    [store, messageId],
  )
  useEffect(() => {
    if (!isOver) return undefined
    const timer = setTimeout(() => setLate(true), lateAfterMs)
    return () => clearTimeout(timer)
  }, [isOver])
  const { data, error } = useAsked<MessageCost | null>(messageId, {
    by,
    // Before its first charge there is nothing to ask for
    isOpen: debits > 0 || isOver,
    follows: `${debits} ${isOver}`,
    settleMs: 300,
  })
  return { cost: data, error, isLate: isLate && isOver }
}
