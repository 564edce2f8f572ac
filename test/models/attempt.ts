import { withAttribution, type WorkFor } from '../../middleware/temporal/attribution.ts'
import { idOf } from '../../middleware/temporal/charge-key.ts'
import { type CurrentWork, duringWork } from '../../middleware/temporal/current-work.ts'

/** Runs `work` as the plugin runs one attempt of an activity: the same `activityId` in the same run gets the same ids. */
export function inAttempt<T>(who: WorkFor, activityId: string, work: () => T): T {
  const { account, organization = '', employee = '', message = '' } = who
  const ordinals = new Map<string, number>()
  const current: CurrentWork = {
    account,
    organization,
    employee,
    messageId: message,
    workflowId: 'w',
    runId: 'r',
    activityId,
    attempt: 1,
    firstScheduledMs: 1_790_000_000_000,
    nextChargeId(what) {
      const ordinal = ordinals.get(what) ?? 0
      ordinals.set(what, ordinal + 1)
      return idOf({ bornMs: this.firstScheduledMs, path: [this.runId, activityId, what], ordinal })
    },
  }
  return withAttribution(who, () => duringWork(current, work))
}
