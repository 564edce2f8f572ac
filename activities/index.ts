import type { ActivityDeps } from './deps.ts'
import { createCheckAccounts } from './check-accounts.ts'
import { createDrainReceipts } from './drain-receipts.ts'
import { createLookAfterShards } from './look-after-shards.ts'
import { createMailAlert } from './mail-alert.ts'
import { createPutTerms } from './put-terms.ts'
import { createReconcileAccounts } from './reconcile-accounts.ts'
import { createSweepHolds } from './sweep-holds.ts'
import { createWakeRuns } from './wake-runs.ts'

export type Activities = ReturnType<typeof createActivities>

/** What Tollgate's own workflows call. */
export function createActivities(deps: ActivityDeps) {
  const rounds = {
    drainReceipts: createDrainReceipts(deps),
    sweepHolds: createSweepHolds(deps),
    reconcileAccounts: createReconcileAccounts(deps),
    checkAccounts: createCheckAccounts(deps),
    wakeRuns: createWakeRuns(deps),
  }
  return {
    putTerms: createPutTerms(deps),
    lookAfterShards: createLookAfterShards(deps, rounds),
    // Runs of the reconcile workflow that began before there was one activity for all of them go on with these.
    ...rounds,
    mailAlert: createMailAlert(deps),
  }
}
