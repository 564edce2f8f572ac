/** Redis did not answer, or could not take the call. Nothing is known of its outcome: the caller fails closed and repeats with the same id. */
export class LedgerUnavailable extends Error {
  override readonly name = 'LedgerUnavailable'
}

/** Error codes by which Redis says "not now": out of memory, loading, failing over, moving slots. */
const passing = /^(OOM|LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS|MISCONF|BUSY|UNKILLABLE)\b/

/** What to throw for a failed command: broken scripts and wrong arguments stay what they are, all else means that the ledger cannot be reached. */
export function asLedgerFailure(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RangeError || error instanceof TypeError) return error
  if (error.name === 'ReplyError' && !passing.test(error.message)) return error
  return new LedgerUnavailable(`the ledger does not answer: ${error.message}`, { cause: error })
}
