import { useEffect, useState } from 'react'
import type { Budget, Page } from './api/shapes.ts'
import { useAccount, useCredits } from './provider.tsx'
import { type Loaded, useAsked } from './use-asked.ts'

/** All budgets with what their windows have used, asked for again when one of them or the balance has changed. */
export function useBudgets(): Loaded<Page<Budget>> {
  const { store } = useCredits()
  const { balance, status } = useAccount()
  const [told, setTold] = useState(0)
  useEffect(
    () =>
      store.onEvent(({ event }) => {
        if (event === 'budget') setTold((count) => count + 1)
      }),
    [store],
  )
  // A new period or a new connection: windows may have begun anew, and nobody told
  return useAsked('/credits/v1/budgets', { follows: `${told} ${balance?.period} ${status}`, settleMs: 300 })
}
