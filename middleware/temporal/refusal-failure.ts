import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common'
import { type Micro, zero } from '../../credits/money.ts'
import type { Refusal } from '../../credits/refusal.ts'
import { creditsDepleted, ledgerUnavailable, type StepRefused } from './workflow/refused-step.ts'

/** Work that may not begin or go on: what the activity interceptor makes a failure of. */
export class WorkRefused extends Error {
  override readonly name = 'WorkRefused'
  readonly refusal: Refusal
  /** What a call within the work would take, where that was refused: beside the work's own price and runtime. */
  readonly within: Micro

  constructor(refusal: Refusal, within: Micro = zero) {
    super(refusal.kind)
    this.refusal = refusal
    this.within = within
  }
}

export interface RefusalTimes {
  /** When an activity that met an empty balance tries again, of a run that cannot park. */
  readonly depletedRetryMs: number
  readonly unavailableRetryMs: number
}

/**
 * What the server hears of a refusal. Where the workflow parks, the activity ends, so that waiting spends none of its attempts; else it is tried again by the server.
 * Being out of credits is nobody's error, so it stays out of logs and alarms.
 */
export function refusalFailure(
  refusal: Refusal,
  { depletedRetryMs, unavailableRetryMs }: RefusalTimes,
  parks: StepRefused | undefined,
): ApplicationFailure {
  const details = parks === undefined ? [refusal] : [refusal, parks]
  const waiting = (nextRetryDelay: number) => (parks === undefined ? { nextRetryDelay } : { nonRetryable: true })
  switch (refusal.kind) {
    case 'credits_depleted':
    case 'insufficient_credits':
    case 'budget_exhausted':
      return ApplicationFailure.create({
        type: creditsDepleted,
        message: `${refusal.kind}: the activity waits for credits`,
        details,
        category: ApplicationFailureCategory.BENIGN,
        ...waiting(depletedRetryMs),
      })
    case 'backlogged':
    case 'ledger_unavailable':
    case 'outbox_unavailable':
    case 'id_conflict':
    case 'already_charged':
      return ApplicationFailure.create({
        type: ledgerUnavailable,
        message: `${refusal.kind}: the activity waits for the ledger`,
        details,
        ...waiting(unavailableRetryMs),
      })
    case 'account_unknown':
      return ApplicationFailure.create({
        type: 'AccountUnknown',
        message: 'the workflow was started for an account that does not exist',
        details: [refusal],
        nonRetryable: true,
      })
  }
}
