import type { Micro } from '../money.ts'
import type { EmployeeCard, GrantSource } from '../terms.ts'
import type { RowKey, RowTotals } from '../usage-row.ts'
import type { AccountPolicies, AccountRefusal, AccountRefusalCode, PlanFacts } from './messages.ts'

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
  readonly foldedGrants: readonly Pick<GrantState, 'id' | 'source' | 'amount' | 'resets'>[]
  /** Kept money of the folded grants, and what periods that were folded away took from kept money. */
  readonly foldedKept: Micro
  readonly foldedTaken: Micro
  readonly periods: readonly PeriodState[]
  readonly alerts: readonly AlertState[]
  readonly employees: readonly EmployeeCard[]
}

export interface GrantState {
  readonly id: string
  readonly atMs: number
  readonly source: GrantSource
  readonly detail: string
  readonly by: string
  readonly amount: Micro
  readonly resets: boolean
  /** The period it was granted in. */
  readonly epoch: number
}

/** One billing period. `closed`: it has left Redis and its rows are the journal's, by category, tier, model and item. */
export interface PeriodState {
  readonly epoch: number
  readonly startMs: number
  readonly endMs: number
  /** Money that resets: this period's alone. */
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
