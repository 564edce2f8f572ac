import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common'
import type { Refusal } from '../../credits/refusal.ts'

export interface RefusalTimes {
  /** When an activity that met an empty balance tries again. */
  readonly depletedRetryMs: number
  readonly unavailableRetryMs: number
}

/** What the server hears of a refusal. Only what waiting can cure is tried again; being out of credits is nobody's error, so it stays out of logs and alarms. */
export function refusalFailure(refusal: Refusal, { depletedRetryMs, unavailableRetryMs }: RefusalTimes) {
  switch (refusal.kind) {
    case 'credits_depleted':
    case 'insufficient_credits':
    case 'budget_exhausted':
      return ApplicationFailure.create({
        type: 'CreditsDepleted',
        message: `${refusal.kind}: the activity waits for credits`,
        details: [refusal],
        nextRetryDelay: depletedRetryMs,
        category: ApplicationFailureCategory.BENIGN,
      })
    case 'backlogged':
    case 'ledger_unavailable':
    case 'outbox_unavailable':
    case 'id_conflict':
    case 'already_charged':
      return ApplicationFailure.create({
        type: 'LedgerUnavailable',
        message: `${refusal.kind}: the activity waits for the ledger`,
        details: [refusal],
        nextRetryDelay: unavailableRetryMs,
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
