import { remainingOf } from '../credits/balance.ts'
import { type Micro, toMicro } from '../credits/money.ts'
import { type ParkedRun, waiterOf } from '../credits/parked-run.ts'
import type { Ledger } from '../ledger/ledger.ts'

/** Where workflow runs wait for an account's credits. Both reject while the ledger does not answer. */
export interface WaitingRoom {
  /**
   * `ready`: there is enough by now, and so much in all. Else the run is woken when terms bring more, oldest first; repeated, it keeps its place. `held`: what it
   * needs is there, but held by other work, and it has to ask again itself.
   */
  enter(accountId: string, run: ParkedRun, need: Micro): Promise<Entered>
  /** It waits no longer. */
  leave(accountId: string, run: ParkedRun): Promise<void>
  /** Whether the account has anything left. */
  hasCredits(accountId: string): Promise<boolean>
}

export type Entered = { readonly status: 'ready'; readonly available: Micro } | { readonly status: 'waiting' | 'held' }

export interface WaitingRoomDeps {
  readonly ledger: Pick<Ledger, 'wait' | 'stopWaiting' | 'read'>
  readonly loadAccount: (accountId: string) => Promise<'loaded' | 'unknown'>
  readonly depletedBelow: Micro
}

const everything = toMicro(Number.MAX_SAFE_INTEGER)

/** An account that nobody signed up has no credits, and its runs are told so by what they try: here they are let through. */
export function createWaitingRoom({ ledger, loadAccount, depletedBelow }: WaitingRoomDeps): WaitingRoom {
  return {
    async enter(accountId, run, need) {
      const waiting = { accountId, waiter: waiterOf(run), need }
      const answer = await loaded(accountId, () => ledger.wait(waiting))
      return answer.status === 'account_not_loaded' ? { status: 'ready', available: everything } : answer
    },
    leave: (accountId, run) => ledger.stopWaiting(accountId, waiterOf(run)),
    async hasCredits(accountId) {
      const answer = await loaded(accountId, () => ledger.read(accountId))
      return answer.status !== 'loaded' || remainingOf(answer) >= depletedBelow
    },
  }

  async function loaded<Answer extends { readonly status: string }>(
    accountId: string,
    ask: () => Promise<Answer>,
  ): Promise<Answer> {
    const answer = await ask()
    if (answer.status !== 'account_not_loaded') return answer
    await loadAccount(accountId)
    return ask()
  }
}
