import { setCurrentDetails, workflowInfo } from '@temporalio/workflow'
import { listAs } from './listing.ts'
import { own } from './own-activities.ts'

/** Result of a run that a schedule started while there were no credits: it is completed, and did nothing. */
export interface Skipped {
  readonly skipped: true
  readonly reason: 'out_of_credits'
}

/** Whether the run begins here: retries and continued runs go on with what has begun. */
export function isFirstOfChain(): boolean {
  const { attempt, continuedFromExecutionRunId } = workflowInfo()
  return attempt === 1 && continuedFromExecutionRunId === undefined
}

/** What a scheduled run answers instead of beginning, else undefined. Where nobody can tell, it begins: its steps wait for the ledger. */
export async function skippedAtZero(): Promise<Skipped | undefined> {
  const { admitted, listed } = await own['tollgate.admit']().catch(() => ({ admitted: true, listed: false }))
  if (admitted) return undefined
  setCurrentDetails('**Skipped: out of credits.**')
  if (listed) listAs('skipped')
  return { skipped: true, reason: 'out_of_credits' }
}
