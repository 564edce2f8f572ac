'use client'
import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import type { MessageCost } from './api/shapes.ts'
import { useAccount, useCredits } from './provider.tsx'

/** What something cost, of which each line is told; they sum to the total. */
export type Inspected = Pick<MessageCost, 'total' | 'lines' | 'entryIds' | 'startedAt' | 'durationMs'> &
  Partial<Pick<MessageCost, 'model' | 'tier' | 'priceVersion'>>

export interface InspectorProps {
  readonly title: string
  /** What it is the cost of, and its id. */
  readonly subject: { readonly label: string; readonly id: string }
  /** null while it is not known. */
  readonly cost: Inspected | null
  /** Instead of a cost that is not known: why. */
  readonly children?: ReactNode
  readonly onClose: () => void
}

/** All that a cost is made of, in a dialog that is open as long as it is there. */
export function Inspector({ title, subject, cost, children, onClose }: InspectorProps): ReactNode {
  const { t } = useCredits()
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  // Its end gives the focus back to where it was
  useEffect(() => {
    const shown = dialog.current!
    if (!shown.open) shown.showModal()
    return () => shown.close()
  }, [])
  return (
    <dialog ref={dialog} className="cr-inspector cr-root" aria-labelledby={titleId} onClose={onClose}>
      <h2 id={titleId}>{title}</h2>
      {cost === null ? children : <Parts cost={cost} />}
      <Copied label={subject.label} text={subject.id} />
      {cost !== null && <Copied label={t('inspect.entries')} text={cost.entryIds.join('\n')} />}
      <p>
        <button type="button" className="cr-button" onClick={onClose}>
          {t('inspect.close')}
        </button>
      </p>
    </dialog>
  )
}

function Parts({ cost }: { readonly cost: Inspected }): ReactNode {
  const { formats, t, calendarOf } = useCredits()
  const { balance } = useAccount()
  const { model = '', tier = '', priceVersion = '' } = cost
  const calendar = calendarOf(balance?.timeZone ?? 'UTC')
  return (
    <>
      <p className="cr-menu-count">{t('inspect.total', { count: formats.exact(cost.total) })}</p>
      {model !== '' && <p>{t('inspect.answered', { model, tier })}</p>}
      <div className="cr-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">{t('inspect.what')}</th>
              <th scope="col" className="cr-amount">
                {t('inspect.quantity')}
              </th>
              <th scope="col" className="cr-amount">
                {t('inspect.rate')}
              </th>
              <th scope="col" className="cr-amount">
                {t('inspect.credits')}
              </th>
            </tr>
          </thead>
          <tbody>
            {cost.lines.map(({ kind, label, quantity, unit, rate, credits, free }) => (
              <tr key={`${kind} ${label} ${rate}`}>
                <th scope="row">{label}</th>
                <td className="cr-amount">
                  {unit === 'ms' && formats.duration(quantity)}
                  {unit === 'token' && t('inspect.tokens', { count: formats.count(quantity) })}
                  {unit !== 'ms' && unit !== 'token' && t('inspect.times', { count: formats.count(quantity) })}
                </td>
                <td className="cr-amount">
                  {rate !== '' && t(unit === 'ms' ? 'inspect.perMinute' : 'inspect.perMillion', { rate })}
                </td>
                <td className="cr-amount">{free === true ? t('inspect.free') : formats.exact(credits)}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" colSpan={3}>
                {t('inspect.sum')}
              </th>
              <td className="cr-amount">{formats.exact(cost.total)}</td>
            </tr>
          </tfoot>
        </table>
      </div>
      <p className="cr-soft">
        {t('inspect.when', {
          moment: calendar.moment(Date.parse(cost.startedAt)),
          duration: formats.duration(cost.durationMs),
        })}
        {priceVersion !== '' && <> · {t('inspect.prices', { version: priceVersion })}</>}
      </p>
    </>
  )
}

function Copied({ label, text }: { readonly label: string; readonly text: string }): ReactNode {
  const { t } = useCredits()
  const [isCopied, setCopied] = useState(false)
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
  }
  return (
    <details>
      <summary>{label}</summary>
      <pre className="cr-ids">{text}</pre>
      <button type="button" className="cr-link" onClick={() => void copy().catch(() => setCopied(false))}>
        {t('inspect.copy')}
      </button>{' '}
      <span role="status">{isCopied && t('inspect.copied')}</span>
    </details>
  )
}
