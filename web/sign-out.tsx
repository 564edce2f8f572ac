import { type ReactNode, useState } from 'react'
import { asFailure, useCredits } from '../react/index.ts'
import { t } from './words.ts'

/** Ends the sign-in of this browser, in all its tabs. */
export function SignOut(): ReactNode {
  const { client, store } = useCredits()
  const [failure, setFailure] = useState<string | null>(null)
  const signOut = async (): Promise<void> => {
    try {
      await client.ask('/credits/v1/logout', { method: 'POST' })
      await store.refetch()
    } catch (error) {
      setFailure(asFailure(error).message)
    }
  }
  return (
    <>
      <button type="button" className="button" onClick={() => void signOut()}>
        {t('signOut')}
      </button>
      {failure !== null && <span role="alert">{failure}</span>}
    </>
  )
}
