import { ActivityFailure, ApplicationFailure } from '@temporalio/common'

/** A step of a workflow that has been refused: an activity that was scheduled anew after a wait is the same step, with the ids of its first one. */
export interface Step {
  readonly activityId: string
  /** When it was first scheduled. ms since epoch. */
  readonly bornMs: number
}

/** What an activity tells of its refusal beside the refusal itself. */
export interface StepRefused extends Step {
  /** What it would take to begin it, in micro-credits. */
  readonly need: number
}

/** Types of the failures by which activities are refused. */
export const creditsDepleted = 'CreditsDepleted'
export const ledgerUnavailable = 'LedgerUnavailable'

export type RefusedStep = StepRefused & { readonly cure: 'credits' | 'budget' | 'ledger' }

/** undefined for any error that is not our refusal. */
export function refusedStep(error: unknown): RefusedStep | undefined {
  // Failures of local activities come as they are
  const failure = error instanceof ActivityFailure ? error.cause : error
  if (!(failure instanceof ApplicationFailure)) return undefined
  const { type, details } = failure
  if (type !== creditsDepleted && type !== ledgerUnavailable) return undefined
  const [refusal, refused] = (details ?? []) as [{ readonly kind?: unknown }?, Partial<StepRefused>?]
  const { activityId, bornMs, need } = refused ?? {}
  if (typeof activityId !== 'string' || typeof bornMs !== 'number' || typeof need !== 'number') return undefined
  const cure = type === ledgerUnavailable ? 'ledger' : refusal?.kind === 'budget_exhausted' ? 'budget' : 'credits'
  return { activityId, bornMs, need, cure }
}
