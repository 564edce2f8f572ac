import type { RunScript } from './scripts.ts'

/** What every operation of one ledger shares. */
export interface LedgerContext {
  readonly run: RunScript
  readonly quarantineMs: number
}
