import type { Journal } from '../../journal/journal.ts'
import type { EndAsked } from '../../journal/sessions.ts'
import type { SessionName } from '../../ledger/ledger.ts'

/** The end that was asked of a session, or that it has come to; null where there is none. Rejects with JournalUnavailable. */
export async function endAskedFor(
  { sessions }: Pick<Journal, 'sessions'>,
  { accountId, sessionId }: SessionName,
): Promise<EndAsked | null> {
  const entry = await sessions.find(accountId, sessionId)
  const atMs = entry?.endedAtMs ?? entry?.endAskedAtMs
  return entry?.endReason == null || atMs == null ? null : { reason: entry.endReason, atMs }
}
