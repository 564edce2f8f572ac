import { closeEpoch } from '../../credits/account/close-epoch.ts'
import { grant } from '../../credits/account/grant.ts'
import type { SignUpCommand } from '../../credits/account/messages.ts'
import { nextLineage } from '../../credits/account/next-lineage.ts'
import { reconcile } from '../../credits/account/reconcile.ts'
import { rollOver } from '../../credits/account/roll-over.ts'
import { takeBack } from '../../credits/account/take-back.ts'
import { setPlan } from '../../credits/account/set-plan.ts'
import { signUp } from '../../credits/account/sign-up.ts'
import { type AccountState, currentPeriod, type Outcome } from '../../credits/account/state.ts'
import { termsOf } from '../../credits/account/terms-of.ts'
import { viewOf } from '../../credits/account/view-of.ts'
import type { Terms } from '../../credits/terms.ts'
import type { AccountAnswer, Accounts } from '../../middleware/accounts.ts'
import { plans, policies, startMs } from '../account/given.ts'

type Used = Pick<Accounts, 'grant' | 'takeBack' | 'setPlan' | 'view' | 'reconcile' | 'nextLineage' | 'closeEpoch'>

/** The accounts' own rules without Temporal around them, each account with a clock of its own that only moves when told to. */
export interface MemoryAccounts extends Used {
  open(command: SignUpCommand): void
  state(accountId: string): AccountState
  /** Lets time pass for the account, over the ends of periods. */
  wait(accountId: string, ms: number): Terms
}

export function createMemoryAccounts(): MemoryAccounts {
  const states = new Map<string, AccountState>()
  const nowMs = new Map<string, number>()

  async function decide<Answer extends object>(
    accountId: string,
    rule: (state: AccountState, nowMs: number) => Outcome<Answer>,
  ): Promise<AccountAnswer<Answer>> {
    const outcome = rule(states.get(accountId)!, nowMs.get(accountId)!)
    if (!outcome.ok) return outcome
    // Through JSON, as between the runs of a workflow.
    states.set(accountId, JSON.parse(JSON.stringify(outcome.state)) as AccountState)
    return { ok: true, ...outcome.answer }
  }

  return {
    open(command) {
      const outcome = signUp(null, command, startMs)
      if (!outcome.ok) throw new Error(outcome.code)
      states.set(command.accountId, outcome.state)
      nowMs.set(command.accountId, startMs)
    },
    state: (accountId) => states.get(accountId)!,
    wait(accountId, ms) {
      nowMs.set(accountId, nowMs.get(accountId)! + ms)
      const state = rollOver(states.get(accountId)!, nowMs.get(accountId)!)
      states.set(accountId, state)
      return termsOf(state)
    },
    grant: (accountId, command) => decide(accountId, (state, at) => grant(state, command, at)),
    takeBack: (accountId, command) => decide(accountId, (state, at) => takeBack(state, command, at)),
    // Every other plan change is prorated, by the account's own clock.
    setPlan: (accountId, { plan, by }) =>
      decide(accountId, (state, at) =>
        setPlan(
          state,
          { plan: plans[plan as keyof typeof plans], by, upgrade: at % 2 === 0 ? 'full' : 'prorated' },
          at,
        ),
      ),
    view: async (accountId) => ({ ok: true, view: viewOf(states.get(accountId)!) }),
    reconcile: (accountId, report) => decide(accountId, (state, at) => reconcile(state, { ...report, policies }, at)),
    nextLineage: (accountId, above = 0) => decide(accountId, (state, at) => nextLineage(state, { above }, at)),
    closeEpoch: (accountId, command) => decide(accountId, (state, at) => closeEpoch(state, command, at)),
  }
}

/** Periods that have ended and are not closed yet. */
export function openPeriods(state: AccountState): number {
  return state.periods.filter(({ epoch, closed }) => !closed && epoch < currentPeriod(state).epoch).length
}
