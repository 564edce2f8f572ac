import { type ReactNode, useState } from 'react'
import { asFailure, type Client, useCredits } from '../../../react/index.ts'
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
      const rows = await save(client, query, (count) => setState({ kind: 'running', rows: count }))
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

/** Answers how many lines it has, its head left aside. An answer that breaks off is no sheet. */
async function save(client: Client, query: string, onRows: (rows: number) => void): Promise<number> {
  const answer = await client.open(`/credits/v1/export.csv${query}`)
  const parts: Uint8Array<ArrayBuffer>[] = []
  let lines = 0
  let isQuoted = false
  const reader = answer.body!.getReader()
  for (let next = await reader.read(); next.done !== true; next = await reader.read()) {
    parts.push(next.value)
    for (const byte of next.value) {
      if (byte === quote) isQuoted = !isQuoted
      else if (byte === newline && !isQuoted) lines += 1
    }
    onRows(Math.max(0, lines - 1))
  }
  const name = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1] ?? 'credit-usage.csv'
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob(parts, { type: 'text/csv' }))
  link.download = name
  link.click()
  // The browser has taken it by then
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
  return lines - 1
}

const [quote, newline] = [0x22, 0x0a]
