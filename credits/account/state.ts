import type { Micro } from '../money.ts'
import type { BudgetRule, BudgetTerms, EmployeeCard, GrantSource, OrganizationCard } from '../terms.ts'
import type { RowKey, RowTotals } from '../usage-row.ts'
import type { AccountPolicies, AccountRefusal, AccountRefusalCode, PlanFacts, RewardDue } from './messages.ts'

/**
 * All that one account is, as plain JSON: the workflow's memory, carried through continue-as-new. It holds aggregates, never
 * single charges. Periods and grants are oldest first; the last period is the current one, and there is always one.
 */
export interface AccountState {
  /** Of this very shape; a workflow that is carried over reads the shape it finds. */
  readonly shape: 1
  readonly accountId: string
  readonly email: string
  readonly createdAtMs: number
  readonly timeZone: string
  readonly utcOffsetMs: number
  readonly plan: PlanFacts
  /** A downgrade that waits for the period's end. */
  readonly pendingPlan: PlanFacts | null
  readonly policies: AccountPolicies
  readonly termsVersion: number
  /** The account's current life in Redis, 0 before the first; `seq` is that of the last rows taken from it. */
  readonly lineage: number
  readonly seq: number
  readonly held: Micro
  readonly grants: readonly GrantState[]
  /** Grants that were folded away (fold.ts), as far as a late repeat must still be known. */
  readonly foldedGrants: readonly Pick<GrantState, 'id' | 'source' | 'amount' | 'resets' | 'periods'>[]
  /** Kept money of the folded grants, and what periods that were folded away, and operators, took from kept money. */
  readonly foldedKept: Micro
  readonly foldedTaken: Micro
  readonly periods: readonly PeriodState[]
  readonly alerts: readonly AlertState[]
  readonly employees: readonly EmployeeCard[]
  readonly organizations: readonly OrganizationCard[]
  readonly budgets: readonly BudgetState[]
  /** What every employee gets that is created from now on; null: no budget. */
  readonly newEmployeeBudget: BudgetRule | null
  /** Referrers who have not been told yet that this account's sign-up rewards them. */
  readonly rewardsDue: readonly RewardDue[]
  /** What operators took back, oldest first; `foldedTaken` has it too. */
  readonly takenBack: readonly TakenBack[]
  /** Orders of plans that were fulfilled, oldest first. */
  readonly ordersTaken: readonly string[]
  /** Ids of alerts that have not been mailed yet. */
  readonly mailsDue: readonly string[]
}

export interface TakenBack {
  readonly id: string
  readonly atMs: number
  readonly amount: Micro
  readonly detail: string
  readonly by: string
}

export interface BudgetState extends BudgetTerms {
  /** Grows with every change: who changes a budget says which version they saw. */
  readonly version: number
  /** A higher limit for a while. */
  readonly raise: { readonly limit: Micro; readonly untilMs: number } | null
}

export interface GrantState {
  readonly id: string
  readonly atMs: number
  readonly source: GrantSource
  readonly detail: string
  readonly by: string
  readonly amount: Micro
  readonly resets: boolean
  /** See Lifetime. */
  readonly periods?: number
  /** When the last of them ends. */
  readonly endsAtMs?: number
  /** What was left of it when the last of its periods began, and is that period's own money since. Absent before, and where there is no last one. */
  readonly ending?: Micro
  /** The period it was granted in. */
  readonly epoch: number
}

/** One billing period. `closed`: it has left Redis and its rows are the journal's, by category, tier, model and item. */
export interface PeriodState {
  readonly epoch: number
  readonly startMs: number
  readonly endMs: number
  /** This period's alone: money that resets, and what was left of bonuses that end with it. */
  readonly free: Micro
  /** The part of `free` that came from plans, against which an upgrade is measured. */
  readonly planMoney: Micro
  /** The part of `free` that paid, when the period ended, what earlier ones had taken beyond all kept money. Absent: none. */
  readonly paidDebt?: Micro
  /** What was charged in it as known: the sum over `rows`. */
  readonly spent: Micro
  readonly rows: Readonly<Record<RowKey, RowTotals>>
  readonly closed: boolean
}

export interface AlertState {
  readonly epoch: number
  readonly threshold: number
  readonly atMs: number
  /** When its user has seen it. Absent: not yet. */
  readonly acknowledgedAtMs?: number
}

/** What a command comes to: the next state and the answer, or the reason why nothing changed. */
export type Outcome<Answer> =
  | { readonly ok: true; readonly state: AccountState; readonly answer: Answer }
  | AccountRefusal

export function refuse(code: AccountRefusalCode, message: string): AccountRefusal {
  return { ok: false, code, message }
}

export function currentPeriod(state: AccountState): PeriodState {
  return state.periods.at(-1)!
}
