import { type KeyboardEvent, type ReactNode, useEffect, useId, useState } from 'react'
import { toMicro } from '../../../credits/money.ts'
import {
  asFailure,
  type Employee,
  InsufficientNotice,
  type Page,
  type Price,
  useAccount,
  useAsked,
  useCredits,
} from '../../../react/index.ts'
import { waysToCredits } from '../../paths.ts'
import { t, tierName } from '../../words.ts'

/** Of pictures; each has its own price. */
const qualities = ['standard', 'hd'] as const
type Quality = (typeof qualities)[number]

export interface ComposerProps {
  readonly employee: Employee
  readonly isAnswering: boolean
  readonly send: (id: string, text: string) => Promise<void>
  readonly stop: () => Promise<void>
}

/** The text that is being written is kept through a reload; one that could not be sent comes back, and is sent under the same id again. */
export function Composer({ employee, isAnswering, send, stop }: ComposerProps): ReactNode {
  const draftKey = `tollgate.draft.${employee.id}`
  const id = useId()
  const [text, setText] = useState(() => sessionStorage.getItem(draftKey) ?? '')
  const [failure, setFailure] = useState<string | null>(null)
  /** What was asked for and costs more than there is, µcr. */
  const [needed, setNeeded] = useState(0)
  const { balance } = useAccount()
  const { formats, store } = useCredits()
  const prices = useAsked<Page<Price>>('/credits/v1/prices')
  const [attempt, setAttempt] = useState<{ readonly id: string; readonly text: string } | null>(null)
  const write = (next: string): void => {
    setText(next)
    sessionStorage.setItem(draftKey, next)
  }

  const submit = async (wording: (said: string) => string = (said) => said): Promise<void> => {
    const written = text.trim()
    if (written === '') return
    const said = wording(written)
    const sent = attempt?.text === said ? attempt : { id: crypto.randomUUID(), text: said }
    write('')
    setFailure(null)
    setNeeded(0)
    try {
      await send(sent.id, said)
      setAttempt(null)
    } catch (error) {
      setAttempt(sent)
      write(written)
      // Then the form is covered, and says why
      if (!store.report402(error)) setFailure(asFailure(error).message)
    }
  }
  const draw = (quality: Quality, price: number): void => {
    if (balance !== null && balance.available < price) setNeeded(price)
    else void submit((what) => t(`chat.draw.${quality}`, { what }))
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    // While a character is being composed, Enter is its end
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    void submit()
  }
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <label htmlFor={id}>{t('chat.write', { name: employee.name })}</label>
      <textarea id={id} rows={3} value={text} onChange={({ target }) => write(target.value)} onKeyDown={onKeyDown} />
      <p className="tools">
        <Estimate employee={employee} length={text.length} />
        <span className="actions">
          {isAnswering && (
            <button type="button" className="button" onClick={() => void stop().catch(() => undefined)}>
              {t('chat.stop')}
            </button>
          )}{' '}
          {qualities.map((quality) => {
            const price = prices.data?.items.find(({ activity }) => activity === `image.${quality}`)?.amount
            return (
              price !== undefined && (
                <button
                  key={quality}
                  type="button"
                  className="button"
                  disabled={text.trim() === ''}
                  onClick={() => draw(quality, price)}
                >
                  {t(`chat.image.${quality}`, { price: formats.exact(price) })}
                </button>
              )
            )
          })}{' '}
          <button type="submit" className="button" disabled={text.trim() === ''}>
            {t('chat.send')}
          </button>
        </span>
      </p>
      {needed > 0 && <InsufficientNotice needed={needed} links={waysToCredits} />}
      {failure !== null && (
        <p role="alert" className="failed">
          {t('chat.notSent', { reason: failure })}
        </p>
      )}
    </form>
  )
}

/** It is asked again when the text has grown or shrunk by so many characters. */
const step = 200

/** What an answer usually costs; nothing where nobody knows. */
function Estimate({ employee, length }: { readonly employee: Employee; readonly length: number }): ReactNode {
  const { client, formats } = useCredits()
  const [usual, setUsual] = useState<{ readonly median: number; readonly p90: number } | null>(null)
  const inputBytes = Math.ceil((length + 1) / step) * step
  const { id, tier, model } = employee
  useEffect(() => {
    let isCurrent = true
    client
      .ask<{ median: number; p90: number }>('/credits/v1/estimate', {
        method: 'POST',
        body: { model: 'employee', employee: id, inputBytes },
      })
      .then(
        (estimate) => isCurrent && setUsual(estimate),
        () => isCurrent && setUsual(null),
      )
    return () => void (isCurrent = false)
    // Another tier or model answers at another price
  }, [client, id, tier, model, inputBytes])
  if (usual === null) return <span />
  return (
    <span className="cr-soft">
      {t('chat.estimate', {
        from: formats.spend(toMicro(usual.median)),
        to: formats.spend(toMicro(usual.p90)),
        tier: tierName(tier),
      })}
    </span>
  )
}
