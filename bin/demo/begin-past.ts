import {
  type Client,
  type Workflow,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client'
import type { AccountStart } from '../../credits/account/account-start.ts'
import { accountWorkflowId, accountWorkflowType } from '../../credits/account/messages.ts'
import { usualUpdatesPerRun } from '../../middleware/accounts.ts'
import type { Journal } from '../../journal/journal.ts'
import type { Past } from './past-account.ts'

export interface PastDeps {
  readonly client: Pick<Client, 'workflow'>
  readonly taskQueue: string
  readonly journal: Pick<Journal, 'storeReceipts'>
}

const receiptsAtOnce = 500

/** Makes an account that has a past, unless there is an account. After a crash it is repeated, with the same past. */
export async function beginPast({ client, taskQueue, journal }: PastDeps, { state, receipts }: Past): Promise<void> {
  const workflowId = accountWorkflowId(state.accountId)
  if (await isThere(client, workflowId)) return
  // First what the account is going to be compared with
  for (let from = 0; from < receipts.length; from += receiptsAtOnce)
    await journal.storeReceipts(receipts.slice(from, from + receiptsAtOnce))
  const start: AccountStart = { state, pushedVersion: 0, updatesPerRun: usualUpdatesPerRun }
  try {
    await client.workflow.start<Workflow>(accountWorkflowType, {
      workflowId,
      taskQueue,
      args: [start],
    })
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
  }
}

async function isThere({ workflow }: PastDeps['client'], workflowId: string): Promise<boolean> {
  try {
    await workflow.getHandle(workflowId).describe()
    return true
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false
    throw error
  }
}
