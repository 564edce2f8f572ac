import type { Lifetime } from './lifetime.ts'
import type { Bonus, Plan } from '../catalogue.ts'
import type { Micro } from '../money.ts'
import type { BudgetRule, EmployeeCard, GrantSource, Level, OrganizationCard, Terms } from '../terms.ts'
import type { RowKey, RowTotals } from '../usage-row.ts'

/** Names and shapes of what the account workflow understands. Workflow id: `credits-account/<userId>`. */
export const accountWorkflowId = (accountId: string): string => `credits-account/${accountId}`
export const accountWorkflowType = 'account'

export const updates = {
  signUp: 'signUp',
  grant: 'grant',
  setPlan: 'setPlan',
  saveEmployee: 'saveEmployee',
  reconcile: 'reconcile',
  nextLineage: 'nextLineage',
  closeEpoch: 'closeEpoch',
  acknowledgeAlert: 'acknowledgeAlert',
  takeBack: 'takeBack',
  saveOrganization: 'saveOrganization',
  saveBudget: 'saveBudget',
  removeBudget: 'removeBudget',
  raiseBudget: 'raiseBudget',
} as const
export const signals = { reward: 'reward' } as const
export const queries = { view: 'view' } as const

/** Why the workflow says no. A value for its callers; on the wire it is the `type` of an ApplicationFailure. */
export type AccountRefusalCode =
  | 'account_unknown'
  /** The account exists with another e-mail address. */
  | 'account_conflict'
  /** The grant's id was used for another amount, source or kind of money. */
  | 'grant_conflict'
  /** Not positive, or more than the ledger can count. */
  | 'amount_invalid'
  | 'plan_unknown'
  | 'time_zone_unknown'
  | 'too_many_employees'
  | 'employee_unknown'
  | 'employee_conflict'
  | 'organization_unknown'
  | 'organization_conflict'
  | 'too_many_grants'
  | 'epoch_unknown'
  | 'alert_unknown'
  | 'too_many_organizations'
  | 'too_many_budgets'
  | 'budget_unknown'
  /** Somebody changed it meanwhile. */
  | 'version_conflict'
  /** The current period cannot be closed. */
  | 'epoch_open'
export type AccountRefusal = { readonly ok: false; readonly code: AccountRefusalCode; readonly message: string }

/**
 * What the account needs to know of the catalogue. It travels with the commands and is kept in the account's state, so that
 * a catalogue changed by a redeploy never changes how an old history replays.
 */
export type PlanFacts = Pick<Plan, 'id' | 'name' | 'allowance'>
export interface AccountPolicies {
  /** Percent remaining, highest first. */
  readonly alerts: readonly number[]
  readonly depletedBelow: Micro
  /** Whether alerts are mailed; absent: no. */
  readonly mailsAlerts?: boolean
}

export interface SignUp {
  readonly accountId: string
  readonly email: string
  readonly timeZone: string
  /** Beside the welcome bonus. */
  readonly bonuses?: readonly SignUpBonus[]
  /** Whom this sign-up rewards. */
  readonly reward?: RewardDue
}

/** What a code gives to whoever signs up with it. */
export interface SignUpBonus extends Lifetime {
  readonly id: string
  readonly source: 'promo' | 'referral'
  readonly amount: Micro
  /** The promo code, or who referred, masked. */
  readonly detail: string
}

/** Told by the friend's account to its referrer's. Safe to repeat: `grant` names it. */
export interface RewardDue extends Lifetime {
  readonly referrer: string
  /** Id of the grant there: once per friend, however often it is told. */
  readonly grant: string
  readonly amount: Micro
  /** Sign-ups for which the referrer is rewarded, all told. */
  readonly most: number
  /** The friend's address, masked: what the referrer's list of grants says. */
  readonly detail: string
}

export type SignUpCommand = SignUp & {
  readonly plan: PlanFacts
  readonly welcome: Bonus
  readonly policies: AccountPolicies
}

/** `created` is false when the account was there already. */
export interface SignUpAnswer extends TermsAnswer {
  readonly created: boolean
}

/** Every change answers with the terms after it. */
export interface TermsAnswer {
  readonly terms: Terms
}

/** Safe to repeat: the same `id` grants once; the same id with another amount is refused (`grant_conflict`). */
export interface GrantCommand extends Lifetime {
  readonly id: string
  readonly source: Exclude<GrantSource, 'plan'>
  readonly amount: Micro
  readonly detail: string
  /** Who granted it, and why. */
  readonly by: string
}

export interface PlanCommand {
  readonly plan: string
  readonly by: string
  /** The paid order that this fulfils, once, with what was bought as it was then. */
  readonly order?: { readonly id: string; readonly name: string; readonly allowance: Micro }
}

export type SetPlanCommand = Omit<PlanCommand, 'plan' | 'order'> & {
  readonly plan: PlanFacts
  /** Id of the paid order that this fulfils. */
  readonly order?: string
  /** The catalogue's policy; absent: full. */
  readonly upgrade?: 'full' | 'prorated'
}

/** `fromMs` is when the plan takes effect: now for an upgrade, the period's end for a downgrade. */
export interface SetPlanAnswer extends TermsAnswer {
  readonly fromMs: number
}

/**
 * `save`: created or replaced. `first_use`: created only if absent, never changed. `create`: refused where another one has its id. `change`: what is given takes the place of
 * what there is, and the rest stays, whoever else changes it at the same time.
 */
export type EmployeeCommand =
  | (EmployeeCard & { readonly mode: 'save' | 'first_use' | 'create' })
  | (Pick<EmployeeCard, 'id'> & Partial<EmployeeCard> & { readonly mode: 'change' })

/** As with employees; `save` when left out. */
export type OrganizationCommand =
  | (OrganizationCard & { readonly mode?: 'save' | 'create' })
  | (Pick<OrganizationCard, 'id'> & Partial<OrganizationCard> & { readonly mode: 'change' })

export interface SaveBudget extends BudgetRule {
  /** `default`: what every employee gets that is created from now on. */
  readonly level: Level
  /** The version that its changer saw: 0 for none; absent: whatever it is. */
  readonly expectedVersion?: number
}

export interface RemoveBudget {
  /** Or `default`. */
  readonly level: Level
}

/** A higher limit until an instant; one that has passed ends a raise. */
export interface RaiseBudget {
  readonly level: Level
  readonly limit: Micro
  readonly untilMs: number
}

/** Absolute rows of every epoch that Redis holds. */
export interface RowsReport {
  readonly lineage: number
  readonly seq: number
  readonly termsVersion: number
  /** Held credits when the snapshot was taken, quarantine included. */
  readonly held: Micro
  readonly epochs: readonly { readonly epoch: number; readonly rows: Readonly<Record<RowKey, RowTotals>> }[]
}

export type ReconcileCommand = RowsReport & { readonly policies: AccountPolicies }

export type ReconcileAnswer =
  | { readonly status: 'ok'; readonly terms: Terms }
  /** Another life of the account in Redis is the current one. */
  | { readonly status: 'lineage'; readonly terms: Terms }
  /** Not newer than what the workflow has. */
  | { readonly status: 'behind'; readonly seq: number; readonly sameRows: boolean; readonly terms: Terms }

/** Issues a number above this one too: of a ledger that outlived a workflow which was restored from a backup. */
export interface NextLineage {
  readonly above: number
}

export interface LineageAnswer {
  readonly lineage: number
  readonly terms: Terms
  readonly held: Micro
}

/** The journal's totals of an epoch that has left Redis, or that came back to it: the archive takes them, the epoch is closed. */
export interface CloseEpoch {
  readonly epoch: number
  /** The life of the account in Redis from which it left. Absent in recorded updates that are older than it: taken in any life. */
  readonly lineage?: number
  readonly rows: Readonly<Record<RowKey, RowTotals>>
}

/** `other_lineage`: the account has begun another life since, and nothing was changed. */
export type CloseEpochAnswer = TermsAnswer & { readonly status: 'closed' | 'other_lineage' }

export interface GrantView {
  readonly id: string
  readonly atMs: number
  readonly source: GrantSource
  readonly detail: string
  readonly by: string
  /** Below zero: taken back by an operator. */
  readonly amount: number
  readonly left: Micro
  readonly status: 'active' | 'used_up' | 'reset'
  readonly resetsAtMs: number | null
}

export interface PeriodView {
  readonly epoch: number
  readonly startMs: number
  readonly endMs: number
  /** Money of this period alone, gone at its end: plan and packs. */
  readonly granted: Micro
  readonly spent: Micro
  readonly rows: Readonly<Record<RowKey, RowTotals>>
  readonly closed: boolean
}

export interface AlertView {
  /** `<epoch>-<threshold>` */
  readonly id: string
  readonly threshold: number
  readonly epoch: number
  readonly atMs: number
  readonly acknowledgedAtMs: number | null
}

export interface AcknowledgeAlert {
  readonly id: string
}

/** The alert as it is now. */
export interface AlertAnswer {
  readonly alert: AlertView
}

/** What a mail about an alert tells. */
export interface AlertMail {
  /** Unique among all accounts: by it a mailbox knows a repeat. */
  readonly id: string
  readonly email: string
  readonly threshold: number
  readonly remaining: Micro
  readonly planName: string
  readonly periodEndMs: number
  readonly timeZone: string
}

/** Takes credits back, beyond what is there too: then the next own money pays. Safe to repeat, by `id`. */
export interface TakeBackCommand {
  readonly id: string
  readonly amount: Micro
  readonly detail: string
  readonly by: string
}

/** Everything the account workflow knows, for pages and operators. Rows are those of the last reconcile. */
export interface AccountView {
  readonly accountId: string
  readonly email: string
  readonly createdAtMs: number
  readonly timeZone: string
  readonly plan: string
  readonly planName: string
  /** A downgrade that waits for the end of the period. */
  readonly pendingPlan: { readonly id: string; readonly name: string; readonly fromMs: number } | null
  readonly lineage: number
  readonly seq: number
  /** Held credits at the last reconcile, for operators: the ledger knows better. */
  readonly held: Micro
  readonly terms: Terms
  readonly grants: readonly GrantView[]
  /** Newest first; the first is the current one. */
  readonly periods: readonly PeriodView[]
  readonly alerts: readonly AlertView[]
  readonly employees: readonly EmployeeCard[]
}
