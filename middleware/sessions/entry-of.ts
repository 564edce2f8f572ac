import type { SessionFacts } from '../../credits/session/facts.ts'
import type { SessionOver } from '../../credits/session/progress.ts'
import type { SessionEntry } from '../../journal/sessions.ts'
import type { SessionName } from '../../ledger/ledger.ts'

/** A session as the journal keeps it. */
export function entryOf(
  { accountId, sessionId }: SessionName,
  facts: SessionFacts,
  startedAtMs: number,
  over: SessionOver | null,
): SessionEntry {
  const { kind, employee, organization, message, adapter, ref, platform, perMinute, rounding } = facts
  return {
    accountId,
    id: sessionId,
    kind,
    employee,
    organization,
    messageId: message,
    adapter,
    ref,
    platform,
    perMinute,
    rounding,
    startedAtMs,
    endAskedAtMs: null,
    endedAtMs: over?.endedAtMs ?? null,
    endReason: over?.endReason ?? null,
    charged: over?.charged ?? null,
  }
}
