import { type ReactNode, useState } from 'react'
import { asFailure, useAccount, useCredits } from '../../../react/index.ts'
import { paths } from '../../paths.ts'
import { t } from '../../words.ts'

/** The way down to zero and up again, for whoever tries Tollgate. */
export function AtZero(): ReactNode {
  const { client } = useCredits()
  const { level } = useAccount()
  const [isSpending, setSpending] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const ask = async (method: 'POST' | 'DELETE'): Promise<void> => {
    setFailure(null)
    try {
      await client.ask('/company/spend-down', { method })
      setSpending(method === 'POST')
    } catch (error) {
      setFailure(asFailure(error).message)
    }
  }
  const isUnderWay = isSpending && level !== 'depleted'
  return (
    <details className="at-zero">
      <summary>{t('zero.title')}</summary>
      <p>{t('zero.text')}</p>
      <p className="filters">
        <button
          type="button"
          className="button"
          disabled={level === 'depleted'}
          onClick={() => void ask(isUnderWay ? 'DELETE' : 'POST')}
        >
          {t(isUnderWay ? 'zero.stop' : 'zero.spend')}
        </button>
        <a className="button" href={paths.packs}>
          {t('zero.topUp')}
        </a>
        <span role="status">{isUnderWay && t('zero.spending')}</span>
      </p>
      {failure !== null && (
        <p role="alert" className="failed">
          {failure}
        </p>
      )}
    </details>
  )
}
