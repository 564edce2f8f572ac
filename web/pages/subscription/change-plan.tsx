import { type ReactNode, useState } from 'react'
import { asFailure, useCredits } from '../../../react/index.ts'
import { t } from '../../words.ts'

export interface ChangePlanProps {
  readonly plan: string
  readonly onChanged: () => void
  readonly children: ReactNode
}

/** Changes to a plan that needs no checkout: a smaller one, or the present one, which calls a waiting change off. */
export function ChangePlan({ plan, onChanged, children }: ChangePlanProps): ReactNode {
  const { client } = useCredits()
  const [failure, setFailure] = useState<string | null>(null)
  const put = async (): Promise<void> => {
    try {
      await client.ask('/credits/v1/subscription', { method: 'PUT', body: { plan } })
      onChanged()
    } catch (error) {
      setFailure(asFailure(error).message)
    }
  }
  return (
    <>
      <button type="button" className="button" onClick={() => void put()}>
        {children}
      </button>
      {failure !== null && <span role="alert">{t('checkout.failed', { reason: failure })}</span>}
    </>
  )
}
