import type { EndReason } from '../../credits/session/session.ts'
import type { Journal } from '../../journal/journal.ts'
import type { SessionName } from '../../ledger/ledger.ts'

/** For which reason a session was asked to end, or did; null where it was not. Rejects with JournalUnavailable. */
export async function endAskedFor(
  { sessions }: Pick<Journal, 'sessions'>,
  { accountId, sessionId }: SessionName,
): Promise<EndReason | null> {
  return (await sessions.find(accountId, sessionId))?.endReason ?? null
}
