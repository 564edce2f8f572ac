/** What the API answers, as far as pages use it. test/react/shapes.ts holds it against the gateway's own shapes. Amounts are µcr, times ISO 8601. */

export type GrantSource = 'plan' | 'pack' | 'welcome' | 'promo' | 'referral' | 'refund' | 'adjustment'

export interface Balance {
  /** Life of the ledger and period: another one always wins over what is shown. */
  readonly epoch: string
  /** Grows within one epoch. */
  readonly version: number
  readonly accountId: string
  readonly plan: { readonly id: string; readonly name: string; readonly allowance: number }
  readonly total: number
  readonly remaining: number
  readonly held: number
  readonly available: number
  readonly used: number
  readonly sources: readonly { readonly kind: GrantSource; readonly left: number }[]
  readonly period: number
  readonly periodStart: string
  readonly periodEnd: string
  readonly timeZone: string
  readonly projection: {
    readonly runOutAt: string | null
    readonly leftAtEnd: number | null
    readonly basisDays: number
  } | null
  readonly serverTime: string
}

export interface UsageLine {
  readonly key: string
  readonly label: string
  readonly credits: number
  /** null where the line adds up unlike things. */
  readonly quantity: number | null
  readonly unit: string
  readonly local?: boolean | undefined
  readonly children?: readonly UsageLine[] | undefined
}

export interface Usage {
  /** `version` of the balance that these figures include. */
  readonly ledgerVersion: number
  readonly from: string
  readonly to: string
  readonly timeZone: string
  readonly groupBy: string
  readonly total: number
  readonly rows: readonly UsageLine[]
  /** null while the journal is away. */
  readonly days: readonly { readonly day: string; readonly byKey: Readonly<Record<string, number>> }[] | null
}

/** A page of a list; `next` goes into `cursor`. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

export interface Grant {
  readonly id: string
  readonly at: string
  readonly source: GrantSource
  /** Promo code, masked name, pack name or reason. */
  readonly detail: string
  /** Below zero: taken back by an operator. */
  readonly amount: number
  readonly left: number
  readonly status: 'active' | 'used_up' | 'reset'
  /** When what is left of it is lost; null: it stays until it is used. */
  readonly resetsAt: string | null
}

export interface Period {
  readonly period: number
  readonly from: string
  readonly to: string
  readonly used: number
  /** For this period alone: plan and packs. */
  readonly granted: number
  /** Of `total`; only of the current period. */
  readonly percentUsed: string | null
  readonly total: number | null
  readonly current: boolean
}

export interface Organization {
  readonly id: string
  readonly name: string
}

export interface Alert {
  readonly id: string
  readonly threshold: number
  readonly period: number
  readonly at: string
  readonly acknowledgedAt: string | null
}

/** What one chat message cost. Its lines sum exactly to its total. */
export interface MessageCost {
  readonly messageId: string
  /** `partial`: cut at zero, abandoned or failed, and charged for what was produced. */
  readonly state: 'streaming' | 'settling' | 'final' | 'not_charged' | 'partial'
  readonly total: number
  readonly tier: string
  readonly model: string
  /** A local model answered: AI is not charged. */
  readonly local?: boolean | undefined
  readonly priceVersion: string
  readonly lines: readonly {
    readonly kind: string
    readonly label: string
    readonly quantity: number
    readonly unit: string
    /** µcr for each, as text; '' where there is no single rate. */
    readonly rate: string
    /** Below zero only on the line `uncollected`. */
    readonly credits: number
    readonly free?: boolean | undefined
  }[]
  readonly entryIds: readonly string[]
  readonly startedAt: string
  readonly durationMs: number
}

export interface Employee {
  readonly id: string
  readonly name: string
  readonly organization: string
  readonly tier: string
  readonly model: string
  readonly archived: boolean
}

/** A model that an employee can be given. */
export interface Model {
  readonly id: string
  /** Its tokens cost nothing. */
  readonly local: boolean
}

/** Of an activity whose price is fixed. */
export interface Price {
  readonly activity: string
  readonly amount: number
  readonly per: string
  /** The kind of session of which it is the price. */
  readonly session?: 'voice' | 'meeting' | undefined
}

export type BudgetWindow = 'day' | 'week' | 'month' | 'total'
export type AtLimit = 'notify' | 'pause' | 'stop'

export interface Budget {
  /** Its level, such as `employee:ada`. */
  readonly id: string
  readonly level: 'employee' | 'organization' | 'task'
  readonly subjectId: string
  readonly name: string
  readonly window: BudgetWindow
  readonly limit: number
  /** In the window that is open now. */
  readonly used: number
  readonly left: number
  readonly atLimit: AtLimit
  readonly status: 'ok' | 'warn' | 'critical' | 'reached'
  readonly raisedUntil: string | null
  readonly version: number
}

export interface Plan {
  readonly id: string
  readonly name: string
  readonly allowance: number
  /** US cents a month. */
  readonly priceCents: number
}

export interface Subscription {
  readonly plan: Plan
  readonly renewsAt: string
  /** What waits for the period's end. */
  readonly pending: { readonly id: string; readonly name: string; readonly from: string } | null
  readonly others: readonly (Plan & {
    readonly change: 'upgrade' | 'downgrade'
    /** It is bought through a checkout first. */
    readonly checkout: boolean
  })[]
}

export interface Pack {
  readonly id: string
  readonly name: string
  readonly amount: number
  readonly priceCents: number
}

export interface Order {
  readonly id: string
  readonly status: 'open' | 'paid' | 'cancelled'
  readonly kind: 'plan' | 'pack'
  readonly item: string
  readonly name: string
  readonly credits: number
  readonly priceCents: number
  /** Where it is paid, while it is open. */
  readonly url: string | null
  /** No money moves. */
  readonly test: boolean
  readonly createdAt: string
}

export interface Referral {
  readonly code: string
  readonly link: string
  readonly invitesSent: number
  readonly accepted: number
  readonly rewarded: number
  readonly mostRewarded: number
  readonly creditsEarned: number
  readonly bonus: { readonly you: number; readonly friend: number }
}

export interface Invite {
  readonly id: string
  /** Masked. */
  readonly email: string
  readonly status: 'sent' | 'accepted'
  readonly sentAt: string
  readonly credits: number
}

export interface InviteResult {
  readonly email: string
  readonly result: 'sent' | 'already_invited' | 'already_member' | 'invalid' | 'your_own' | 'try_later'
}

export interface Debit {
  readonly entryId: string
  readonly at: string
  readonly orgId: string
  readonly employeeId: string
  readonly category: string
  readonly tier?: string | undefined
  readonly model?: string | undefined
  readonly item?: string | undefined
  readonly quantity: number
  readonly unit: string
  readonly credits: number
  readonly uncollected: number
  readonly messageId?: string | undefined
  readonly outcome: string
}

/** A call that somebody has with an employee, or a meeting that the employee sits in: billed by the minute until it ends. */
export interface Session {
  readonly id: string
  readonly kind: 'voice' | 'meeting'
  readonly state: 'starting' | 'live' | 'ended'
  readonly employeeId: string
  readonly organizationId: string
  /** What it runs on. `browser`: a page that plays it, and sends the signs of life. */
  readonly adapter: 'browser' | 'livekit' | 'meeting_bot' | 'webhook'
  readonly platform: 'meet' | 'zoom' | 'teams' | null
  readonly startedAt: string
  readonly endedAt: string | null
  readonly endReason: EndReason | null
  /** How long it had lasted when this was told. */
  readonly seconds: number
  /** What that costs. */
  readonly credits: number
  /** A minute of it. */
  readonly rate: number
  /** For how long what is left will do, while that is little. */
  readonly warning: { readonly secondsLeft: number } | null
}

/** `requested`: by its user. `left`: everybody was gone. */
export type EndReason = 'requested' | 'credits' | 'budget' | 'connection_lost' | 'longest' | 'left'

/** What a session's receipts, one a minute, come to. Its lines sum exactly to its total. */
export interface SessionCost {
  readonly sessionId: string
  readonly total: number
  readonly lines: MessageCost['lines']
  readonly entryIds: readonly string[]
  readonly startedAt: string
  readonly durationMs: number
}
