import { type ReactNode, useState } from 'react'
import { asFailure, type Page, type Price, useAsked, useCredits } from '../../../react/index.ts'
import { paths } from '../../paths.ts'
import { t } from '../../words.ts'

export interface MoreWorkProps {
  readonly send: (id: string, text: string) => Promise<void>
}

/** What a message can make an employee do, and what of that has a price of its own. */
const works = [
  { name: 'app', activity: 'connected_app.call' },
  { name: 'workflow', activity: 'compute.runtime' },
] as const

/** Work of each kind that costs credits, for whoever tries Tollgate. */
export function MoreWork({ send }: MoreWorkProps): ReactNode {
  const { store, formats } = useCredits()
  const [isOpen, setOpen] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const prices = useAsked<Page<Price>>('/credits/v1/prices', { isOpen })
  const report = useAsked<{ readonly employee?: string }>('/company/report', { isOpen })
  const priceOf = (activity: string): string => {
    const amount = prices.data?.items.find((price) => price.activity === activity)?.amount
    return amount === undefined ? '' : formats.exact(amount)
  }
  const ask = async (text: string): Promise<void> => {
    setFailure(null)
    try {
      await send(crypto.randomUUID(), text)
    } catch (error) {
      // Then the form is covered, and says why
      if (!store.report402(error)) setFailure(asFailure(error).message)
    }
  }
  const reporter = report.data?.employee
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{t('more.title')}</summary>
      {prices.data !== null && (
        <p className="actions">
          {works.map(({ name, activity }) => (
            <button key={name} type="button" className="button" onClick={() => void ask(t(`more.${name}.say`))}>
              {t(`more.${name}`, { price: priceOf(activity) })}
            </button>
          ))}
          {reporter !== undefined && (
            <a className="button" href={paths.employee(reporter)}>
              {t('more.task', { price: priceOf('task.completed') })}
            </a>
          )}
        </p>
      )}
      {failure !== null && (
        <p role="alert" className="failed">
          {t('chat.notSent', { reason: failure })}
        </p>
      )}
    </details>
  )
}
