import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'

/** The workflow has taken the rows of this `seq`: when none came since, the account is clean. Of another lineage: ignored. */
export async function ackRows(context: LedgerContext, accountId: string, lineage: number, seq: number): Promise<void> {
  const keys = accountKeys(accountId)
  await context.run('ack-rows', [keys.account, keys.dirty], [accountId, lineage, seq])
}
