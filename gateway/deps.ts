import type { Catalogue } from '../credits/catalogue.ts'
import type { PriceBook } from '../credits/prices.ts'
import type { EmployeeCard } from '../credits/terms.ts'
import type { Quantities, UsageRow } from '../credits/usage-row.ts'
import type { ApiKey } from '../journal/api-key.ts'
import type { AccountReading } from '../ledger/ledger.ts'
import type { RememberedAnswers } from '../ledger/remembered-answers.ts'
import type { Clock } from '../middleware/clock.ts'
import type { Gate } from '../middleware/gate.ts'
import type { KeptKeys } from './idempotency.ts'
import type { Learned } from './learn.ts'
import type { Outcome } from './receipt-detail.ts'
import type { UpstreamProvider } from './upstream.ts'

/** An API key as far as a model call cares: who pays, and in whose name the call may be booked. */
export type CallerKey = Pick<ApiKey, 'id' | 'accountId' | 'employees' | 'mayName' | 'createsEmployees'>

/** A model call that was admitted, once it is settled, as metrics see it: no user, no id. */
export interface CallObservation {
  readonly outcome: Outcome
  readonly row: Pick<UsageRow, 'category' | 'tier' | 'model'>
  readonly quantities: Quantities
  readonly chargedMicro: number
  readonly uncollectedMicro: number
  /** From its end to the ledger's answer. */
  readonly settledMs: number
}

/** What metrics hear of model calls. */
export interface CallMetrics {
  /** Not admitted: the code of the refusal, or `replayed`. */
  refused(outcome: string): void
  /** The gate's own time until the provider is called. */
  admitted(ms: number): void
  /** The provider's time until its answer begins. */
  answered(providerId: string, ms: number): void
  ended(call: CallObservation): void
  /** Images that a provider delivered, and the activity that each was charged as. */
  delivered(images: number, activity: string, model: string): void
}

export interface Log {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What a model call needs. `bin/` fills it in; tests pass plain objects. */
export interface GatewayDeps {
  readonly gate: Gate
  readonly keyRing: { find(secret: string): Promise<CallerKey | 'unknown' | 'revoked' | 'unavailable'> }
  /** The key of programs that act for any account; undefined: there is none. Never logged. */
  readonly serviceKey?: string | undefined
  readonly catalogue: Catalogue
  readonly priceBook: PriceBook
  /** Whether a provider has its key, or needs none. */
  readonly usable: (providerId: string) => boolean
  readonly providerOf: (providerId: string) => UpstreamProvider
  /** Loads the account if need be. Rejects when the ledger does not answer. */
  readonly readAccount: (accountId: string) => Promise<AccountReading | 'unknown'>
  /** Creates the employee if it is not there. Nobody waits for it. */
  readonly ensureEmployee: (accountId: string, card: EmployeeCard) => Promise<void>
  /** Idempotency keys and the answers they got. */
  readonly answers: RememberedAnswers
  readonly keptKeys: KeptKeys
  readonly learned: Learned
  readonly clock: Clock
  /** Unique, 1–64 characters from [A-Za-z0-9_-]. */
  readonly newId: () => string
  readonly log: Log
  readonly metrics?: CallMetrics
  readonly limits?: Partial<GatewayLimits>
}

export interface GatewayLimits {
  readonly bodyBytes: number
  /** Until the upstream's headers; also the longest silence between two chunks. */
  readonly upstreamTimeoutMs: number
  /** The same for images, whose answer begins when all of them are made. */
  readonly imageTimeoutMs: number
  /** Lease of a hold and of an idempotency key: what a killed gateway's stay locked for. */
  readonly holdTtlMs: number
}

export const defaultLimits: GatewayLimits = {
  bodyBytes: 10 * 1024 * 1024,
  upstreamTimeoutMs: 120_000,
  imageTimeoutMs: 300_000,
  holdTtlMs: 60_000,
}
