import type { Micro } from './money.ts'

export type BudgetWindow = 'day' | 'week' | 'month' | 'total'

/** `notify` refuses nothing, `pause` refuses new reserves, `stop` refuses extensions too. */
export type AtLimit = 'notify' | 'pause' | 'stop'

/** `employee:<id>`, `organization:<id>` or `task:<id>`: what a budget may be set on, beside the account itself. */
export type Level = string

/** So many credits a window, and what happens there. */
export interface BudgetRule {
  readonly limit: Micro
  readonly window: BudgetWindow
  readonly atLimit: AtLimit
}

export interface BudgetTerms extends BudgetRule {
  readonly level: Level
}

/** An earlier period that the workflow has not closed: its own money, and the spend that already went into `used`. */
export interface EarlierEpoch {
  readonly epoch: number
  readonly free: Micro
  readonly counted: Micro
}

/**
 * What the account workflow tells the ledger: absolute, versioned, safe to repeat and to reorder.
 * `granted` is the money of the current period plus carried money, gross; `used` is what earlier periods took from carried money.
 */
export interface Terms {
  readonly version: number
  readonly epoch: number
  readonly granted: Micro
  readonly used: Micro
  readonly earlier: readonly EarlierEpoch[]
  readonly budgets: readonly BudgetTerms[]
  /** Offset of the billing zone from UTC, ms: where a budget's day begins. May be negative. */
  readonly utcOffsetMs: number
  /** Reconciliation hurries once `remaining` is at or below one of these, µcr: the alert thresholds, highest first. */
  readonly alertsAt: readonly Micro[]
  /** What pages and the gateway need to know of the account without asking its workflow. Opaque to the scripts. */
  readonly card: AccountCard
}

export type GrantSource = 'plan' | 'pack' | 'welcome' | 'promo' | 'referral' | 'refund' | 'adjustment'

export interface GrantCard {
  readonly id: string
  readonly atMs: number
  readonly source: GrantSource
  /** Promo code, masked name, pack name, or the operator's reason; '' where there is none. */
  readonly detail: string
  readonly amount: Micro
  /** What of it counts in this period: `amount`, less what earlier periods took. These sum to the card's `total`; credits/burn.ts spends them. */
  readonly counts: Micro
  /** true: what is left of it is lost at this period's end. */
  readonly resets: boolean
  /** When it is lost, for one that ends with a later period. Absent: it stays until it is used. */
  readonly endsAtMs?: number
}

export interface EmployeeCard {
  readonly id: string
  readonly name: string
  /** '' when the employee works for no organization in particular. */
  readonly organization: string
  readonly tier: string
  /** A model of its own, `provider/model`; '' means the tier's. */
  readonly model: string
  readonly archived: boolean
}

export interface OrganizationCard {
  readonly id: string
  readonly name: string
  readonly archived: boolean
}

/** A budget as pages show it. Its effective limit is the raised one while `raisedUntilMs` lies ahead. */
export interface BudgetCard extends BudgetTerms {
  readonly version: number
  readonly raisedUntilMs: number | null
}

export interface AccountCard {
  readonly accountId: string
  readonly plan: string
  readonly planName: string
  readonly allowance: Micro
  readonly periodStartMs: number
  readonly periodEndMs: number
  readonly timeZone: string
  /** Money of this period, used or not: plan, packs, and bonuses as they stood at its start or came since; `granted - used`. The base of every percentage. */
  readonly total: Micro
  /** In burn order: what ends first, then by age. Only those that still count in this period. */
  readonly grants: readonly GrantCard[]
  readonly employees: readonly EmployeeCard[]
  /** Absent on cards from before there were any. */
  readonly organizations?: readonly OrganizationCard[]
  readonly budgets?: readonly BudgetCard[]
  /** What an employee gets that is created from now on. */
  readonly newEmployeeBudget?: BudgetRule | null
}
