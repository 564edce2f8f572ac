import type { Budget, Employee } from './api/shapes.ts'
import { useAccount } from './provider.tsx'
import { useBudgets } from './use-budgets.ts'

/** Whether work may begin. null: not known, which forbids nothing. */
export type CreditGate =
  | { readonly allowed: true | null }
  | { readonly allowed: false; readonly reason: 'depleted' }
  | { readonly allowed: false; readonly reason: 'budget'; readonly budget: Budget }

/** What stands in an employee's way: first that nothing is left at all, then a budget of its own or of its organization that is used up. */
export function useCreditGate(employee?: Pick<Employee, 'id' | 'organization'>): CreditGate {
  const { level } = useAccount()
  const budgets = useBudgets()
  if (level === 'depleted') return { allowed: false, reason: 'depleted' }
  const levels = [`employee:${employee?.id}`, `organization:${employee?.organization}`]
  const reached = budgets.data?.items.find(
    ({ id, status, atLimit }) => levels.includes(id) && status === 'reached' && atLimit !== 'notify',
  )
  if (reached !== undefined) return { allowed: false, reason: 'budget', budget: reached }
  return { allowed: level === 'unknown' || budgets.data === null ? null : true }
}
