import type { AccountState } from './state.ts'

/** The account workflow's argument: empty at sign-up, then what one run hands to the next. */
export interface AccountStart {
  readonly state: AccountState | null
  /** Version of the terms that the ledger last took from this workflow. */
  readonly pushedVersion: number
  /** A run hands over after so many updates; the server allows 2,000. */
  readonly updatesPerRun: number
}
