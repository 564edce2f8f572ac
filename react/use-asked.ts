import { useEffect, useRef, useState } from 'react'
import { asFailure, type Failure } from './api/failure.ts'
import { useCredits } from './provider.tsx'

export interface Loaded<Data> {
  readonly data: Data | null
  readonly error: Failure | null
  readonly isPending: boolean
  readonly refetch: () => void
}

export interface AskOptions<Data> {
  /** Who answers instead of GET `path`, which then only tells one question from another. The same function as long as it answers the same. */
  readonly by?: (() => Promise<Data>) | undefined
  /** Nothing is asked while it is false. */
  readonly isOpen?: boolean
  /** What the answer depends on: it is asked again when this has changed, and not before it is known. '' for an answer that does not change by itself. */
  readonly follows?: string | undefined
  /** How long after the last change it is asked again, ms; a stream of changes can put that off three times as long. */
  readonly settleMs?: number
}

interface Answer<Data> {
  readonly path: string
  readonly data: Data | null
  readonly error: Failure | null
}

/** What the API answers to GET `path`. While it is asked again the last answer stays; that of another path never does. */
export function useAsked<Data>(
  path: string,
  { by, isOpen = true, follows = '', settleMs = 1_000 }: AskOptions<Data> = {},
): Loaded<Data> {
  const { client } = useCredits()
  const [attempt, setAttempt] = useState(0)
  const [answer, setAnswer] = useState<Answer<Data>>({ path, data: null, error: null })
  const [isPending, setPending] = useState(false)
  const changedSinceMs = useRef<number>(undefined)
  // Answers that come late are of an older question
  const turn = useRef(0)
  const asked = useRef(attempt)
  const { data, error } = answer.path === path ? answer : { data: null, error: null }
  const isFirst = data === null && error === null

  useEffect(() => {
    if (!isOpen) return undefined
    changedSinceMs.current ??= Date.now()
    const ask = async (): Promise<void> => {
      changedSinceMs.current = undefined
      turn.current += 1
      const mine = turn.current
      setPending(true)
      const learn = (next: Partial<Answer<Data>>): void => {
        if (mine !== turn.current) return
        setPending(false)
        setAnswer((before) => ({ path, data: before.path === path ? before.data : null, error: null, ...next }))
      }
      try {
        learn({ data: await (by === undefined ? client.ask<Data>(path) : by()) })
      } catch (failure) {
        learn({ error: asFailure(failure) })
      }
    }
    // Whoever asks for it does not want to wait
    const isAsked = asked.current !== attempt
    asked.current = attempt
    const waitMs =
      isFirst || isAsked ? 0 : Math.min(settleMs, Math.max(0, changedSinceMs.current + 3 * settleMs - Date.now()))
    const timer = setTimeout(() => void ask(), waitMs)
    return () => clearTimeout(timer)
    // What was answered first is no reason to ask again
  }, [client, by, path, isOpen, follows, settleMs, attempt])

  return { data, error, isPending, refetch: () => setAttempt((count) => count + 1) }
}
