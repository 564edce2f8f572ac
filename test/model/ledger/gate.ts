import type { Account, AskJournal, Ledger, Name } from './state.ts'

/** What the journal says of an id. `forgotten`: older than what the journal keeps. */
export interface Found {
  readonly kind: 'settled' | 'expired' | 'forgotten'
  readonly charged: number
  readonly uncollected: number
  readonly units: number
  readonly epoch: number
  readonly row: string
  readonly windows: readonly string[]
}

/** What the journal said of an id, and the lineage and the time at which Redis sent for it. */
export interface Evidence {
  readonly lineage: number
  readonly nowMs: number
  readonly found: Found | null
}

/** What Redis may believe of an id that it does not know. */
export function meetUnknown(
  ledger: Ledger,
  account: Account,
  { birthMs }: Name,
  evidence: Evidence | undefined,
): 'new' | 'ask' | 'too_old' | Found {
  const { rules, tombstoneMs, slackMs, state } = ledger
  const now = ledger.nowMs()
  noteTime(ledger)
  const seen = rules.latestTimeSeen ? state.latestSeenMs : now
  if (!rules.idsMeetTheGate) return 'new'
  if (evidence !== undefined) {
    const young = evidence.nowMs <= now && now - evidence.nowMs < tombstoneMs / 2
    const ofThisLife = evidence.lineage === account.lineage
    if ((young || !rules.evidenceIsYoung) && (ofThisLife || !rules.evidenceOfSameLineage))
      return evidence.found ?? 'new'
  }
  const knownSince = rules.knownSince ? account.knownSinceMs : 0
  const oldEnoughToKnow = birthMs >= Math.max(seen - tombstoneMs, knownSince) + slackMs
  if (oldEnoughToKnow && (birthMs <= now + slackMs || !rules.futureIdsAreAsked)) return 'new'
  return rules.neverRefusedForAge ? 'ask' : 'too_old'
}

/** A clock that jumped ahead forgot tombstones: their ids are still asked about once it is set back. */
export function noteTime({ state, nowMs }: Ledger): void {
  state.latestSeenMs = Math.max(nowMs(), state.latestSeenMs)
}

export const askJournal = (ledger: Ledger, { lineage }: Account): AskJournal => ({
  status: 'ask_journal',
  lineage,
  nowMs: ledger.nowMs(),
})
