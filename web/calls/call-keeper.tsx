import { useEffect } from 'react'
import { asFailure, type Session, sessionPath, useAccount, useCredits } from '../../react/index.ts'
import { closeCall, useCallsHere } from './calls-here.ts'
import { startPulse } from './pulse.ts'

/** Says for each call that this tab plays that somebody is there, on whatever page; without that it ends by itself. */
export function CallKeeper(): null {
  const { client, store } = useCredits()
  const { sessions } = useAccount()
  const { played } = useCallsHere()
  const isOver = (id: string): boolean => sessions.some((session) => session.id === id && session.state === 'ended')
  const alive = played.filter((id) => !isOver(id)).join(' ')
  useEffect(() => {
    if (alive === '') return undefined
    const beat = async (id: string): Promise<void> => {
      try {
        store.learnSession(await client.ask<Session>(sessionPath(id, 'heartbeat'), { method: 'POST' }))
      } catch (error) {
        // Of somebody who was signed in here before; else the next one may be heard
        if (asFailure(error).status === 404) closeCall(id)
      }
    }
    return startPulse(() => {
      for (const id of alive.split(' ')) void beat(id)
    })
  }, [client, store, alive])
  return null
}
