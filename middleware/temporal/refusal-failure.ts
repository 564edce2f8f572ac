import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common'
import type { Micro } from '../../credits/money.ts'
import type { Refusal } from '../../credits/refusal.ts'
import { creditsDepleted, ledgerUnavailable, type StepRefused } from './workflow/refused-step.ts'

/** Work that may not begin or go on: what the activity interceptor makes a failure of. */
export class WorkRefused extends Error {
  override readonly name = 'WorkRefused'
  readonly refusal: Refusal
  /** What it would take. */
  readonly need: Micro

  constructor(refusal: Refusal, amount: Micro) {
    super(refusal.kind)
    this.refusal = refusal
    this.need = refusal.kind === 'insufficient_credits' ? refusal.needed : amount
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
  { refusal, need }: WorkRefused,
  { depletedRetryMs, unavailableRetryMs }: RefusalTimes,
  parks: Omit<StepRefused, 'need'> | undefined,
  /** What the activity needs beside what it was refused. */
  besides: Micro,
): ApplicationFailure {
  const details =
    parks === undefined ? [refusal] : [refusal, { ...parks, need: Math.max(need, besides) } satisfies StepRefused]
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
