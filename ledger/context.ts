import type { RunScript } from './scripts.ts'

/** What every operation of one ledger shares. */
export interface LedgerContext {
  readonly run: RunScript
  readonly quarantineMs: number
  /** How many shards one script may look at: on a Cluster each lies in a slot of its own. */
  readonly shardsPerCall: number
}
