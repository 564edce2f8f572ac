import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { AccountSnapshot, NotLoaded } from './ledger.ts'
import { asReply } from './replies.ts'
import { parseSnapshot } from './snapshot.ts'

/** All that a snapshot reads, without a trace: the dirty mark stays as it is. */
export async function inspect(
  context: LedgerContext,
  accountId: string,
): Promise<({ readonly status: 'loaded' } & AccountSnapshot) | NotLoaded> {
  return parseSnapshot(asReply(await context.run('inspect', [accountKeys(accountId).account], [])))
}
