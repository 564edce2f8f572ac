import type { AskJournal, Evidence, FoundCharge, HoldName, NotLoaded } from '../ledger/ledger.ts'
import type { Clock } from './clock.ts'

export interface AnswerDeps {
  readonly findCharge: (accountId: string, id: string) => Promise<FoundCharge | null>
  readonly loadAccount: (accountId: string) => Promise<'loaded' | 'unknown'>
  readonly clock: Pick<Clock, 'sleep'>
}

const firstWaitMs = 50
const longestWaitMs = 2_000
/** An error that is no outage (a broken script, a contradiction in the ledger) will not heal by itself; it gets a few chances, then the operator's attention. */
const mostFaults = 8

/**
 * Sends one operation until the ledger has answered it, one attempt at a time: no answer, `ask_journal` and `account_not_loaded` are not answers.
 * Repeats are free, since the id is. Rejects only when the signal fires, the account does not exist, or the ledger keeps failing with something
 * that is no outage.
 */
export async function untilAnswered<Answer extends { readonly status: string }>(
  { findCharge, loadAccount, clock }: AnswerDeps,
  { accountId, id }: HoldName,
  send: (evidence: Evidence | undefined) => Promise<Answer>,
  signal: AbortSignal,
): Promise<Exclude<Answer, AskJournal | NotLoaded>> {
  let evidence: Evidence | undefined
  let waitMs = firstWaitMs
  let faults = 0
  for (;;) {
    try {
      const answer: Answer | AskJournal | NotLoaded = await send(evidence)
      if (isAskJournal(answer)) {
        const stale = evidence !== undefined
        evidence = { lineage: answer.lineage, nowMs: answer.nowMs, found: await findCharge(accountId, id) }
        if (!stale) continue
      } else if (answer.status === 'account_not_loaded') {
        evidence = undefined
        if ((await loadAccount(accountId)) === 'unknown')
          throw new AccountGone(`no account ${accountId} to settle ${id} on`)
        if (waitMs === firstWaitMs) {
          waitMs *= 2
          continue
        }
      } else {
        return answer as Exclude<Answer, AskJournal | NotLoaded>
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

function isAskJournal(answer: { readonly status: string }): answer is AskJournal {
  return answer.status === 'ask_journal'
}

/** There is no account to send it to: nobody has signed up under this id, or it was deleted. */
export class AccountGone extends Error {
  override readonly name = 'AccountGone'
}
