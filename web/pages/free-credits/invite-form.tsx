import { type ReactNode, useId, useState } from 'react'
import { asFailure, type InviteResult, useCredits } from '../../../react/index.ts'
import { t } from '../../words.ts'

const most = 10

/** Invites up to ten people at a time. Whoever could not be invited stays in the form. */
export function InviteForm({ onSent }: { readonly onSent: () => void }): ReactNode {
  const { client } = useCredits()
  const id = useId()
  const [text, setText] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [results, setResults] = useState<readonly InviteResult[]>([])
  const [failure, setFailure] = useState<string | null>(null)
  const emails = text.split(/[\s,;]+/).filter((part) => part !== '')
  const send = async (): Promise<void> => {
    setBusy(true)
    setFailure(null)
    try {
      const answer = await client.ask<{ results: readonly InviteResult[] }>('/credits/v1/invites', {
        method: 'POST',
        body: { emails },
      })
      setResults(answer.results)
      const again = answer.results.filter(({ result }) => result === 'invalid' || result === 'try_later')
      setText(again.map(({ email }) => email).join('\n'))
      onSent()
    } catch (error) {
      setFailure(asFailure(error).message)
    }
    setBusy(false)
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <label htmlFor={id}>{t('free.addresses')}</label>
      <textarea id={id} className="addresses" rows={3} value={text} onChange={({ target }) => setText(target.value)} />
      <p>
        <button type="submit" className="button" disabled={isBusy || emails.length === 0 || emails.length > most}>
          {t('free.send')}
        </button>{' '}
        {emails.length > most && <span role="alert">{t('free.tooMany')}</span>}
      </p>
      {failure !== null && (
        <p role="alert" className="failed">
          {failure}
        </p>
      )}
      <div role="status">
        {results.length > 0 && (
          <>
            <h3>{t('free.results')}</h3>
            <ul>
              {results.map(({ email, result }) => (
                <li key={email}>
                  <bdi>{email}</bdi>: {t(`free.result.${result}`)}
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </form>
  )
}
