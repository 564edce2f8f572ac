import { proxyLocalActivities } from '@temporalio/workflow'

/** A task that was completed in a chain of runs: retries, resets and continue-as-new are one chain. */
export interface CompletedTask {
  /** The first run of the chain. */
  readonly chain: string
  /** Unique in the chain; '' for the workflow itself. */
  readonly task: string
}

/** What a parked run hears when it asks for credits. */
export type Place = (
  | { readonly status: 'ready'; /** In micro-credits. */ readonly available: number }
  | { readonly status: 'waiting' | 'held' }
) & {
  /** The namespace has the search attribute by which such runs can be listed. */
  readonly listed: boolean
}

/** Whether a run that a schedule started may begin. */
export interface Admission {
  readonly admitted: boolean
  readonly listed: boolean
}

/** A time for which a run was open. */
export interface OpenSegment {
  /** 0, 1, … within the run. */
  readonly segment: number
  readonly ms: number
  /** Its end, by the workflow's clock. ms since epoch. */
  readonly atMs: number
}

/** Local activities that the plugin adds to each worker. */
export interface OwnActivities {
  'tollgate.completeTask': (task: CompletedTask) => Promise<void>
  /** `need` in micro-credits. */
  'tollgate.awaitCredits': (need: number) => Promise<Place>
  /** The run waits no longer, though nobody has told it to go on. */
  'tollgate.leaveLine': () => Promise<void>
  'tollgate.billOpenTime': (segments: readonly OpenSegment[]) => Promise<void>
  'tollgate.admit': () => Promise<Admission>
}

/** They are neither charged nor parked themselves. */
export function isOwnActivity(activityType: string): boolean {
  return activityType.startsWith('tollgate.')
}

/** Bounded, since a worker without the plugin would never answer and a workflow must not be stuck with its bill. */
export const own = proxyLocalActivities<OwnActivities>({
  startToCloseTimeout: '3s',
  scheduleToCloseTimeout: '8s',
  retry: { maximumAttempts: 3 },
})
