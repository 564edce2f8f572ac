import { type ReactNode, useState } from 'react'
import { asFailure, type Order, useCredits } from '../../../react/index.ts'
import { Dialog } from '../../dialog.tsx'
import { t } from '../../words.ts'

export interface PurchaseProps {
  readonly title: string
  /** What is bought, for how much. */
  readonly text: string
  /** A new order's body, or one that is open. */
  readonly wanted: { readonly pack: string } | { readonly plan: string } | Order
  readonly onBought: () => void
  readonly onClose: () => void
}

/** Asks, orders once, and leads to where it is paid. A test checkout is paid here, and says that no money moves. */
export function Purchase({ title, text, wanted, onBought, onClose }: PurchaseProps): ReactNode {
  const { client } = useCredits()
  const [key] = useState(() => crypto.randomUUID())
  const [order, setOrder] = useState<Order | null>('id' in wanted ? wanted : null)
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const attempt = async (act: () => Promise<void>): Promise<void> => {
    setBusy(true)
    setFailure(null)
    await act().catch((error: unknown) => setFailure(asFailure(error).message))
    setBusy(false)
  }
  const place = async (): Promise<void> => {
    const placed = await client.ask<Order>('/credits/v1/checkouts', {
      method: 'POST',
      body: wanted,
      headers: { 'idempotency-key': key },
    })
    if (placed.test || placed.url === null) setOrder(placed)
    else location.assign(placed.url)
  }
  const pay = async (): Promise<void> => {
    await client.ask(`/credits/v1/checkouts/${encodeURIComponent(order!.id)}/pay`, { method: 'POST', body: {} })
    onBought()
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      {order?.test === true && <p>{t('checkout.test')}</p>}
      {failure !== null && (
        <p role="alert" className="failed">
          {t('checkout.failed', { reason: failure })}
        </p>
      )}
      <p className="tools">
        <button type="button" className="button" onClick={onClose}>
          {t('checkout.cancel')}
        </button>
        <button
          type="button"
          className="button"
          disabled={isBusy}
          onClick={() => void attempt(order === null ? place : pay)}
        >
          {t(order === null ? 'checkout.confirm' : 'checkout.pay')}
        </button>
      </p>
    </Dialog>
  )
}
