import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  proxyActivities,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import { closeEpoch } from '../credits/account/close-epoch.ts'
import { grant } from '../credits/account/grant.ts'
import {
  type AccountView,
  type CloseEpoch,
  type EmployeeCommand,
  type GrantCommand,
  type NextLineage,
  queries,
  type ReconcileCommand,
  type SetPlanCommand,
  type SignUpCommand,
  updates,
} from '../credits/account/messages.ts'
import { nextLineage } from '../credits/account/next-lineage.ts'
import { reconcile } from '../credits/account/reconcile.ts'
import { rollOver } from '../credits/account/roll-over.ts'
import { saveEmployee } from '../credits/account/save-employee.ts'
import { setPlan } from '../credits/account/set-plan.ts'
import { signUp } from '../credits/account/sign-up.ts'
import { type AccountState, currentPeriod, type Outcome, refuse } from '../credits/account/state.ts'
import { termsOf } from '../credits/account/terms-of.ts'
import { viewOf } from '../credits/account/view-of.ts'
import type { AccountStart } from '../credits/account/account-start.ts'

const { putTerms } = proxyActivities<Pick<Activities, 'putTerms'>>({
  startToCloseTimeout: '5 seconds',
  // For ever: the ledger may be away for long, and nobody else would bring it what was granted meanwhile.
  retry: { initialInterval: '250 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
})

/** How long a run waits for the sign-up it was started with. A run whose sign-up was refused is no account, and ends. */
const signUpWaitMs = 10_000

/**
 * One user's account, for as long as it exists. Its rules are the pure functions of credits/account; here they meet messages,
 * the clock and the ledger. Handlers are synchronous, so that no two of them ever interleave.
 */
export async function account(start: AccountStart): Promise<void> {
  let state = start.state
  let pushedVersion = start.pushedVersion
  let updatesTaken = 0

  onUpdate(updates.signUp, (command: SignUpCommand, nowMs) => signUp(state, command, nowMs))
  onUpdate(updates.grant, onAccount<GrantCommand, ReturnType<typeof grant>>(grant))
  onUpdate(updates.setPlan, onAccount<SetPlanCommand, ReturnType<typeof setPlan>>(setPlan))
  onUpdate(updates.saveEmployee, onAccount<EmployeeCommand, ReturnType<typeof saveEmployee>>(saveEmployee))
  onUpdate(updates.reconcile, onAccount<ReconcileCommand, ReturnType<typeof reconcile>>(reconcile))
  onUpdate(updates.nextLineage, onAccount<NextLineage | null, ReturnType<typeof nextLineage>>(nextLineage))
  onUpdate(updates.closeEpoch, onAccount<CloseEpoch, ReturnType<typeof closeEpoch>>(closeEpoch))
  setHandler(defineQuery<AccountView | null>(queries.view), () => (state === null ? null : viewOf(state)))

  await condition(() => state !== null, signUpWaitMs)
  // Not what `condition` says: a sign-up that comes with the timer in one task has its answer, and is an account.
  if (state === null) return

  await Promise.race([
    rollOverAtPeriodEnds(),
    pushChangedTerms(),
    condition(() => updatesTaken >= start.updatesPerRun || workflowInfo().continueAsNewSuggested),
  ])
  await condition(allHandlersFinished)
  await continueAsNew<typeof account>({ ...start, state, pushedVersion })

  async function rollOverAtPeriodEnds(): Promise<never> {
    for (;;) {
      // A command that came after the period's end has rolled over already; then this finds the next end.
      await sleep(Math.max(1, currentPeriod(state!).endMs - Date.now()))
      state = rollOver(state!, Date.now())
    }
  }

  // Callers put the terms of their answer themselves, at once. This makes sure of it when a caller dies, and after a rollover.
  async function pushChangedTerms(): Promise<never> {
    for (;;) {
      await condition(() => state!.termsVersion > pushedVersion)
      const terms = termsOf(state!)
      await putTerms(state!.accountId, terms)
      pushedVersion = terms.version
    }
  }

  function onUpdate<Command, Answer>(name: string, decide: (command: Command, nowMs: number) => Outcome<Answer>): void {
    setHandler(
      defineUpdate<Answer, [Command]>(name),
      (command) => {
        updatesTaken += 1
        const outcome = decided(() => decide(command, Date.now()))
        state = outcome.state
        return outcome.answer
      },
      // A refused command leaves no trace in the history.
      { validator: (command) => void decided(() => decide(command, Date.now())) },
    )
  }

  function onAccount<Command, Result>(decide: (current: AccountState, command: Command, nowMs: number) => Result) {
    return (command: Command, nowMs: number) =>
      state === null
        ? refuse('account_unknown', 'nobody has signed up under this account id')
        : decide(state, command, nowMs)
  }
}

/** The outcome of a command that was not refused. Throws what the caller reads as a refusal; a bug too, since a plain error would stop the workflow for good. */
function decided<Answer>(decide: () => Outcome<Answer>): Extract<Outcome<Answer>, { ok: true }> {
  let outcome: Outcome<Answer>
  try {
    outcome = decide()
  } catch (error) {
    throw ApplicationFailure.nonRetryable(String(error), 'account_broken')
  }
  if (!outcome.ok) throw ApplicationFailure.nonRetryable(outcome.message, outcome.code)
  return outcome
}
