import { accountFields, parseReading } from './account-hash.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { AccountReading, NotLoaded } from './ledger.ts'
import { asReply, integerOf, notLoaded, textOf } from './replies.ts'

/** The figures of an account as they stand. No writes. */
export async function read(
  context: LedgerContext,
  accountId: string,
): Promise<({ readonly status: 'loaded' } & AccountReading) | NotLoaded> {
  const [now, ...values] = asReply(await context.run('read', [accountKeys(accountId).account], accountFields))
  if (values.length === 0) return notLoaded
  const hash = new Map(accountFields.map((field, index) => [field, textOf(values[index])]))
  return { status: 'loaded', ...parseReading(hash, integerOf(now)) }
}
