import type { Micro } from './money.ts'
import type { Rounding } from './session/price.ts'
import type { SessionKind } from './session/session.ts'
import type { Category } from './usage-row.ts'

export type TierId = 'fast' | 'standard' | 'advanced'
export const tierIds = ['fast', 'standard', 'advanced'] as const satisfies readonly TierId[]

export interface Plan {
  readonly id: string
  readonly name: string
  /** Granted at the start of each period. */
  readonly allowance: Micro
  /** Monthly price in US cents. */
  readonly priceCents: number
}

export interface Pack {
  readonly id: string
  readonly name: string
  readonly amount: Micro
  readonly priceCents: number
}

/** How Tollgate reaches models. `openai` speaks the OpenAI dialect to `baseUrl`; `ollama` the same, at no charge; `practice` is built in and needs no network. */
export interface Provider {
  readonly id: string
  readonly kind: 'openai' | 'ollama' | 'practice'
  /** '' for the practice provider. */
  readonly baseUrl: string
  /** Name of the environment variable that, when set, replaces `baseUrl`; '' when there is none. */
  readonly baseUrlEnv: string
  /** Name of the environment variable that holds the key; '' when none is needed. A provider whose variable is unset is not usable. */
  readonly keyEnv: string
  /** The price library's name of the provider; the practice provider stands for models of this one. */
  readonly pricesFrom: string
  /** What the provider bills when the caller hangs up mid-stream: what was produced so far, or nothing. */
  readonly onHangUp: 'produced' | 'nothing'
}

/**
 * Facts about a model that its provider's API does not tell. `id` is `provider/model`; one ending in `*` serves all that begin so.
 * The longest that fits counts, and `*` alone fits always.
 */
export interface ModelFacts {
  readonly id: string
  readonly contextWindow: number
  readonly maxOutputTokens: number
  /** Bills output that a stream does not show: such calls cannot be cut, so they are clamped and reserved whole. */
  readonly hiddenReasoning: boolean
}

export interface Tier {
  readonly id: TierId
  readonly name: string
  /** `provider/model`, in order of preference: the first whose provider is usable answers. */
  readonly models: readonly string[]
}

/**
 * An own price instead of the library's, for one model. It is what is charged: no markup is added.
 * Credits per million units, which is µcr per unit, as exact decimal text; keys are those of `Usage`, or `requests`.
 */
export interface PriceOverride {
  /** `provider/model` */
  readonly model: string
  readonly creditsPerMillion: Readonly<Record<string, string>>
}

export type Activity =
  | { readonly name: string; readonly free: true }
  | { readonly name: string; readonly chargedBy: 'gateway' }
  | {
      readonly name: string
      readonly category: Category
      readonly item: string
      readonly price: Micro
      readonly per: string
    }

/** An activity that costs so much each time. */
export type PricedActivity = Extract<Activity, { readonly price: Micro }>

/** Who makes images, and which activity one is charged as. */
export interface Images {
  /** `provider/model`, in order of preference; none: no images are made here. */
  readonly models: readonly string[]
  /** The `quality` of a request and what it is charged as. `*`, which is always there, stands for any other and for none. */
  readonly qualities: readonly { readonly quality: string; readonly activity: string }[]
}

/** How calls and meetings are billed. */
export interface Sessions {
  /** Those that there are. */
  readonly kinds: readonly { readonly kind: SessionKind; readonly activity: string; readonly longestMs: number }[]
  readonly rounding: Rounding
  /** Without a sign of life for so long a session ends. */
  readonly silentAfterMs: number
  /** Less than this is left: a warning. */
  readonly warnMs: number
}

export interface Bonus {
  readonly amount: Micro
  /** true: stays until used, or for so many `periods`; false: resets with the period. */
  readonly keeps: boolean
  /** Billing periods that it stays, the one in which it is given included. Absent: until used. */
  readonly periods?: number | undefined
}

export interface ReferralBonus extends Bonus {
  /** Sign-ups for which a referrer is rewarded; the friend gets the bonus always. */
  readonly rewardedSignUps: number
}

export interface Policies {
  /** `remaining` below this is depleted and shows as 0. */
  readonly depletedBelow: Micro
  /** Most that may be spent and not yet be in the journal; null = no cap. */
  readonly exposureCap: Micro | null
  /** A call that cannot be cut holds at most this part of what is available: 8 = an eighth. */
  readonly fairShare: number
  /** Where ledger, workflow and journal differ by more than this in one account, nothing is corrected: somebody has to look. */
  readonly largestCorrection: Micro
  /** For what time a workflow run pays: while an activity of it is under way, or while it is open. */
  readonly runtime: 'active' | 'open'
  /** What an activity meets that `activities` does not name: `free`, `refuse`, or the price and category of the activity of this name. */
  readonly unknownActivity: string
  /** What an upgrade in mid-period grants: the whole difference of the allowances, or the part of it that the rest of the period is. */
  readonly upgrade: 'full' | 'prorated'
  /** Whether alerts are mailed too. */
  readonly alertMail: boolean
}

/** The parsed catalogue.yaml: all that is data about prices and plans. */
export interface Catalogue {
  /** Written on every receipt. */
  readonly version: string
  /** Operator's markup on model prices as an exact fraction. */
  readonly markup: { readonly numerator: bigint; readonly denominator: bigint }
  readonly plans: readonly Plan[]
  /** The plan of new accounts. */
  readonly defaultPlan: string
  readonly packs: readonly Pack[]
  readonly providers: readonly Provider[]
  readonly tiers: readonly Tier[]
  readonly models: readonly ModelFacts[]
  readonly prices: readonly PriceOverride[]
  readonly activities: readonly Activity[]
  readonly images: Images
  readonly sessions: Sessions
  readonly bonuses: { readonly welcome: Bonus; readonly referral: ReferralBonus }
  /** Percent remaining, highest first: 25, 15, 0. */
  readonly alerts: readonly number[]
  readonly policies: Policies
}
