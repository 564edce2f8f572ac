import { type Session, useAccount } from '../../react/index.ts'
import { useCallsHere } from './calls-here.ts'

/** Calls to be seen on a page, the latest first: those that run, and those that are over until somebody has closed them. */
export function useShownCalls(): readonly Session[] {
  const { sessions } = useAccount()
  const { closed } = useCallsHere()
  return sessions.filter(({ id }) => !closed.includes(id))
}
