import type { RunScript } from './scripts.ts'

/** What every operation of one ledger shares. */
export interface LedgerContext {
  readonly run: RunScript
  readonly depletedBelow: number
  /** '' when there is no cap. */
  readonly exposureCap: number | ''
  readonly tombstoneMs: number
  readonly slackMs: number
  readonly quarantineMs: number
}
