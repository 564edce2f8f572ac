import { pairsOf, parseReading } from './account-hash.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { AccountReading, NotLoaded } from './ledger.ts'
import { asReply, integerOf, notLoaded } from './replies.ts'

/** The figures of an account as they stand. No writes. */
export async function read(
  context: LedgerContext,
  accountId: string,
): Promise<({ readonly status: 'loaded' } & AccountReading) | NotLoaded> {
  const [now, account] = asReply(await context.run('read', [accountKeys(accountId).account], []))
  const hash = pairsOf(account)
  return hash.size === 0 ? notLoaded : { status: 'loaded', ...parseReading(hash, integerOf(now)) }
}
