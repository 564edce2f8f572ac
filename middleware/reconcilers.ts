import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { type ReconcileStart, reconcileWorkflowId, reconcileWorkflowType } from '../credits/account/reconcile-start.ts'

const usual = { from: 0, to: 255, roundMs: 10 * 60_000, roundsPerRun: 50 } as const satisfies ReconcileStart

/**
 * Sees to it that the reconcile workflow of a range of shards runs. May be repeated by every worker that starts. Ranges may overlap
 * (all that they do may be done twice), so a deployment that splits the shards otherwise need not stop the old ones first.
 */
export async function startReconciler(
  client: Client,
  taskQueue: string,
  range: Partial<ReconcileStart> = {},
): Promise<void> {
  const start: ReconcileStart = { ...usual, ...range }
  try {
    await client.workflow.start(reconcileWorkflowType, {
      workflowId: reconcileWorkflowId(start),
      taskQueue,
      args: [start],
      workflowIdConflictPolicy: 'USE_EXISTING',
    })
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
  }
}
