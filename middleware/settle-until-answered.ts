import type { Evidence, FoundCharge, Ledger, SettleRequest, Settled } from '../ledger/ledger.ts'
import type { Clock } from './clock.ts'

export interface SettleDeps {
  readonly ledger: Pick<Ledger, 'settle'>
  readonly findCharge: (accountId: string, id: string) => Promise<FoundCharge | null>
  readonly loadAccount: (accountId: string) => Promise<'loaded' | 'unknown'>
  readonly clock: Clock
  /** Gives up between two attempts. */
  readonly signal: AbortSignal
}

const firstWaitMs = 50
const longestWaitMs = 2_000
/** An error that is no outage (a broken script, a contradiction in the ledger) will not heal by itself; it gets a few chances, then the operator's attention. */
const mostFaults = 8

/**
 * Sends one settlement until the ledger has answered it, one attempt at a time: no answer, `ask_journal` and `account_not_loaded` are not answers.
 * Repeats are free, since the id is. Rejects only when the signal fires, the account does not exist, or the ledger keeps failing with something
 * that is no outage.
 */
export async function settleUntilAnswered(
  { ledger, findCharge, loadAccount, clock, signal }: SettleDeps,
  request: SettleRequest,
): Promise<Settled> {
  let evidence: Evidence | undefined
  let waitMs = firstWaitMs
  let faults = 0
  for (;;) {
    try {
      const answer = await ledger.settle(request, evidence)
      if (answer.status === 'ask_journal') {
        const stale = evidence !== undefined
        evidence = {
          lineage: answer.lineage,
          nowMs: answer.nowMs,
          found: await findCharge(request.accountId, request.id),
        }
        if (!stale) continue
      } else if (answer.status === 'account_not_loaded') {
        evidence = undefined
        if ((await loadAccount(request.accountId)) === 'unknown')
          throw new AccountGone(`no account ${request.accountId} to settle ${request.id} on`)
        if (waitMs === firstWaitMs) {
          waitMs *= 2
          continue
        }
      } else {
        return answer
      }
    } catch (error) {
      if (error instanceof AccountGone || error instanceof RangeError || error instanceof TypeError) throw error
      const outage = error instanceof Error && error.name.endsWith('Unavailable')
      if (!outage && ++faults >= mostFaults) throw error
    }
    await clock.sleep(waitMs)
    signal.throwIfAborted()
    waitMs = Math.min(longestWaitMs, waitMs * 2)
  }
}

class AccountGone extends Error {
  override readonly name = 'AccountGone'
}
