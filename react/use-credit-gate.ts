import type { AccountStore } from './account-store.ts'
import type { Budget, Employee } from './api/shapes.ts'
import { useAccount, useCredits } from './provider.tsx'
import { useBudgets } from './use-budgets.ts'

type Verdict =
  | { readonly allowed: true | null }
  | { readonly allowed: false; readonly reason: 'depleted' }
  | { readonly allowed: false; readonly reason: 'budget'; readonly budget: Budget }

/** Whether work may begin. null: not known, which forbids nothing. */
export type CreditGate = Verdict & Pick<AccountStore, 'report402'>

/** What stands in an employee's way: first that nothing is left at all, then a budget of its own or of its organization that is used up. */
export function useCreditGate(employee?: Pick<Employee, 'id' | 'organization'>): CreditGate {
  const { level, isRefused } = useAccount()
  const { report402 } = useCredits().store
  const budgets = useBudgets()
  const verdict = (): Verdict => {
    if (level === 'depleted' || isRefused) return { allowed: false, reason: 'depleted' }
    const levels = [`employee:${employee?.id}`, `organization:${employee?.organization}`]
    const reached = budgets.data?.items.find(
      ({ id, status, atLimit }) => levels.includes(id) && status === 'reached' && atLimit !== 'notify',
    )
    if (reached !== undefined) return { allowed: false, reason: 'budget', budget: reached }
    return { allowed: level === 'unknown' || budgets.data === null ? null : true }
  }
  return { ...verdict(), report402 }
}
