import type { Budget, Employee } from './api/shapes.ts'
import type { AccountStore } from './account-store.ts'
import { useAccount, useCredits } from './provider.tsx'
import { useBudgets } from './use-budgets.ts'

/** Whether work may begin. null: not known, which forbids nothing. */
export type CreditGate = (
  | { readonly allowed: true | null }
  | { readonly allowed: false; readonly reason: 'depleted' }
  | { readonly allowed: false; readonly reason: 'budget'; readonly budget: Budget }
) & {
  /** Takes a 402 `credits_depleted` for what it says, whatever the balance says so far; false for any other error. */
  readonly report402: AccountStore['reportRefusal']
}

/** What stands in an employee's way: first that nothing is left at all, then a budget of its own or of its organization that is used up. */
export function useCreditGate(employee?: Pick<Employee, 'id' | 'organization'>): CreditGate {
  const { level, isRefused } = useAccount()
  const { reportRefusal: report402 } = useCredits().store
  const budgets = useBudgets()
  if (level === 'depleted' || isRefused) return { allowed: false, reason: 'depleted', report402 }
  const levels = [`employee:${employee?.id}`, `organization:${employee?.organization}`]
  const reached = budgets.data?.items.find(
    ({ id, status, atLimit }) => levels.includes(id) && status === 'reached' && atLimit !== 'notify',
  )
  if (reached !== undefined) return { allowed: false, reason: 'budget', budget: reached, report402 }
  return { allowed: level === 'unknown' || budgets.data === null ? null : true, report402 }
}
