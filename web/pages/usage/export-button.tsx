import { type ReactNode, useState } from 'react'
import { asFailure, useCredits } from '../../../react/index.ts'
import { saveSheet } from '../../save-sheet.ts'
import { t } from '../../words.ts'

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running' | 'done'; readonly rows: number }
  | { readonly kind: 'failed'; readonly reason: string }

/** Every charge of what is shown, as a sheet. `query`: as the API takes it. */
export function ExportButton({ query }: { readonly query: string }): ReactNode {
  const { client, formats } = useCredits()
  const [state, setState] = useState<State>({ kind: 'idle' })
  const run = async (): Promise<void> => {
    setState({ kind: 'running', rows: 0 })
    try {
      const rows = await saveSheet(client, query, (count) => setState({ kind: 'running', rows: count }))
      setState({ kind: 'done', rows })
    } catch (error) {
      setState({ kind: 'failed', reason: asFailure(error).message })
    }
  }
  return (
    <span className="export">
      <span role="status">
        {state.kind === 'running' && t('export.running', { rows: formats.count(state.rows) })}
        {state.kind === 'done' && t('export.done', { rows: formats.count(state.rows) })}
      </span>
      {state.kind === 'failed' && <span role="alert">{t('export.failed', { reason: state.reason })}</span>}{' '}
      <button type="button" className="button" disabled={state.kind === 'running'} onClick={() => void run()}>
        {t('usage.export')}
      </button>
    </span>
  )
}
