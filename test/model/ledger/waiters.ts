import { availableOf } from './balance.ts'
import { type Ledger, notLoaded, type NotLoaded } from './state.ts'

export type AwaitAnswer = { readonly status: 'ready' | 'registered' } | NotLoaded

/** A run that was refused waits to be woken, unless there is enough already. */
export function awaitCredits(ledger: Ledger, accountId: string, run: string, need: number): AwaitAnswer {
  const account = ledger.state.accounts.get(accountId)
  if (account === undefined) return notLoaded
  if (ledger.rules.awaitAnswersReady && availableOf(ledger, account) >= need) return { status: 'ready' }
  const waiting = ledger.state.waiters.get(accountId) ?? new Set()
  ledger.state.waiters.set(accountId, waiting.add(run))
  return { status: 'registered' }
}

export function popWaiters(ledger: Ledger, accountId: string): readonly string[] {
  const waiting = ledger.state.waiters.get(accountId) ?? new Set<string>()
  ledger.state.waiters.delete(accountId)
  return [...waiting]
}
