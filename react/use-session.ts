import { useCallback, useEffect, useState } from 'react'
import type { Session } from './api/shapes.ts'
import { useAccount, useCredits } from './provider.tsx'
import { sessionPath } from './session-path.ts'
import { type Loaded, useAsked } from './use-asked.ts'

export interface LiveSession extends Loaded<Session> {
  /** Ends it now; ended already, it stays as it is. Rejects with Failure. */
  readonly end: () => Promise<Session>
  /** Somebody is still there: for a page that plays the call itself. Rejects with Failure. */
  readonly heartbeat: () => Promise<Session>
}

/** One that runs, and of which nothing was heard for so long, is asked about: its event may have been lost. */
const silentMs = 15_000

/** A call or a meeting, live: as the feed and the API's answers tell of it. */
export function useSession(id: string): LiveSession {
  const { client, store } = useCredits()
  const data = useAccount().sessions.find((session) => session.id === id) ?? null
  const [silences, setSilences] = useState(0)
  const ask = useCallback(
    async (act?: 'heartbeat' | 'end') => {
      const session = await client.ask<Session>(sessionPath(id, act), act === undefined ? {} : { method: 'POST' })
      store.learnSession(session)
      return session
    },
    [client, store, id],
  )
  const by = useCallback(() => ask(), [ask])
  const isOver = data?.state === 'ended'
  useEffect(() => {
    if (isOver) return undefined
    const timer = setTimeout(() => setSilences((count) => count + 1), silentMs)
    return () => clearTimeout(timer)
  }, [data, isOver, silences])
  const asked = useAsked<Session>(sessionPath(id), {
    by,
    isOpen: data === null || (silences > 0 && !isOver),
    follows: String(silences),
    settleMs: 0,
  })
  return {
    data,
    error: data === null ? asked.error : null,
    isPending: asked.isPending,
    refetch: asked.refetch,
    end: useCallback(() => ask('end'), [ask]),
    heartbeat: useCallback(() => ask('heartbeat'), [ask]),
  }
}
