import { AsyncLocalStorage } from 'node:async_hooks'
import type { ChargeId } from '../../credits/charge-id.ts'

/** The activity that is running, as what it charges must know it. */
export interface CurrentWork {
  readonly account: string
  readonly organization: string
  readonly employee: string
  readonly messageId: string
  /** '' for an activity without a workflow, as `runId`. */
  readonly workflowId: string
  readonly runId: string
  readonly activityId: string
  readonly attempt: number
  /** The same in all attempts. Of a local activity: when its run started. ms since epoch. */
  readonly firstScheduledMs: number
  /** Another id for each call with the same `what`; in the next attempt of the activity the same ids in the same order, so that nothing is paid twice. */
  nextChargeId(what: string): ChargeId
}

const current = new AsyncLocalStorage<CurrentWork>()

/** undefined outside of activities, and in those that are done for no account. */
export function currentWork(): CurrentWork | undefined {
  return current.getStore()
}

export function duringWork<T>(work: CurrentWork, run: () => T): T {
  return current.run(work, run)
}
