/** The argument of the reconcile workflow, whose id is `credits-reconcile/<from>-<to>`. */
export interface ReconcileStart {
  /** Shards, both ends included. */
  readonly from: number
  readonly to: number
  /** How long one activity runs before it hands back. */
  readonly roundMs: number
  readonly roundsPerRun: number
}

export const reconcileWorkflowId = ({ from, to }: Pick<ReconcileStart, 'from' | 'to'>): string =>
  `credits-reconcile/${from}-${to}`
export const reconcileWorkflowType = 'reconcileShards'
