import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  patched,
  proxyActivities,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import { acknowledgeAlert } from '../credits/account/acknowledge-alert.ts'
import { nextAlertMail } from '../credits/account/alert-mail.ts'
import { endRaises, firstRaiseEnd, raiseBudget, removeBudget, saveBudget } from '../credits/account/budgets.ts'
import { closeEpoch } from '../credits/account/close-epoch.ts'
import { grant } from '../credits/account/grant.ts'
import {
  type AccountView,
  accountWorkflowId,
  type AcknowledgeAlert,
  type CloseEpoch,
  type EmployeeCommand,
  type GrantCommand,
  type NextLineage,
  type OrganizationCommand,
  queries,
  type RaiseBudget,
  type ReconcileCommand,
  type RemoveBudget,
  type RewardDue,
  type SaveBudget,
  type SetPlanCommand,
  signals,
  type SignUpCommand,
  type TakeBackCommand,
  updates,
} from '../credits/account/messages.ts'
import { nextLineage } from '../credits/account/next-lineage.ts'
import { reward } from '../credits/account/reward.ts'
import { reconcile } from '../credits/account/reconcile.ts'
import { rollOver } from '../credits/account/roll-over.ts'
import { saveOrganization } from '../credits/account/save-organization.ts'
import { saveEmployee } from '../credits/account/save-employee.ts'
import { setPlan } from '../credits/account/set-plan.ts'
import { signUp } from '../credits/account/sign-up.ts'
import { type AccountState, currentPeriod, type Outcome, refuse } from '../credits/account/state.ts'
import { takeBack } from '../credits/account/take-back.ts'
import { termsOf } from '../credits/account/terms-of.ts'
import { viewOf } from '../credits/account/view-of.ts'
import type { AccountStart } from '../credits/account/account-start.ts'
import { carriedOver } from '../credits/account/carried-over.ts'

const { mailAlert } = proxyActivities<Pick<Activities, 'mailAlert'>>({
  startToCloseTimeout: '30 seconds',
  // A mail that comes a day late tells nothing new.
  scheduleToCloseTimeout: '1 day',
  retry: { initialInterval: '5 seconds', backoffCoefficient: 2, maximumInterval: '10 minutes' },
})

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
  let state = carriedOver(start.state)
  let pushedVersion = start.pushedVersion
  let updatesTaken = 0

  onUpdate(updates.signUp, (command: SignUpCommand, nowMs) => signUp(state, command, nowMs))
  onUpdate(updates.grant, onAccount<GrantCommand, ReturnType<typeof grant>>(grant))
  onUpdate(updates.setPlan, onAccount<SetPlanCommand, ReturnType<typeof setPlan>>(setPlan))
  onUpdate(updates.saveEmployee, onAccount<EmployeeCommand, ReturnType<typeof saveEmployee>>(saveEmployee))
  onUpdate(updates.reconcile, onAccount<ReconcileCommand, ReturnType<typeof reconcile>>(reconcile))
  onUpdate(updates.nextLineage, onAccount<NextLineage | null, ReturnType<typeof nextLineage>>(nextLineage))
  onUpdate(updates.acknowledgeAlert, onAccount<AcknowledgeAlert, ReturnType<typeof acknowledgeAlert>>(acknowledgeAlert))
  onUpdate(
    updates.saveOrganization,
    onAccount<OrganizationCommand, ReturnType<typeof saveOrganization>>(saveOrganization),
  )
  onUpdate(updates.saveBudget, onAccount<SaveBudget, ReturnType<typeof saveBudget>>(saveBudget))
  onUpdate(updates.removeBudget, onAccount<RemoveBudget, ReturnType<typeof removeBudget>>(removeBudget))
  onUpdate(updates.raiseBudget, onAccount<RaiseBudget, ReturnType<typeof raiseBudget>>(raiseBudget))
  onUpdate(updates.takeBack, onAccount<TakeBackCommand, ReturnType<typeof takeBack>>(takeBack))
  onUpdate(
    updates.closeEpoch,
    onAccount<CloseEpoch, ReturnType<typeof closeEpoch>>((current, command, nowMs) => {
      const { epoch, rows } = command
      // A worker that did not know of lives has closed it in any
      return closeEpoch(current, patched('closing-in-its-life') ? command : { epoch, rows }, nowMs)
    }),
  )
  setHandler(defineSignal<[RewardDue]>(signals.reward), (due) => {
    if (state !== null) state = reward(state, due, Date.now())
  })
  setHandler(defineQuery<AccountView | null>(queries.view), () => (state === null ? null : viewOf(state)))

  await condition(() => state !== null, signUpWaitMs)
  // Not what `condition` says: a sign-up that comes with the timer in one task has its answer, and is an account.
  if (state === null) return

  await Promise.race([
    rollOverAtPeriodEnds(),
    pushChangedTerms(),
    tellReferrers(),
    endRaisesInTime(),
    ...(patched('mail-alerts') ? [mailAlerts()] : []),
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

  // By the friend's own account, so that no death between sign-up and reward loses one.
  async function tellReferrers(): Promise<never> {
    for (;;) {
      await condition(() => state!.rewardsDue.length > 0)
      const due = state!.rewardsDue[0]!
      try {
        await getExternalWorkflowHandle(accountWorkflowId(due.referrer)).signal(signals.reward, due)
      } catch (error) {
        if (isCancellation(error)) throw error
        log.warn('a referrer is gone: nobody is rewarded', { referrer: due.referrer })
      }
      state = { ...state!, rewardsDue: state!.rewardsDue.slice(1) }
    }
  }

  /** Only an account with a raise has this timer. */
  async function endRaisesInTime(): Promise<never> {
    for (;;) {
      await condition(() => firstRaiseEnd(state!) !== null)
      const endMs = firstRaiseEnd(state!)!
      await condition(() => firstRaiseEnd(state!) !== endMs, Math.max(1, endMs - Date.now()))
      state = endRaises(state!, Date.now())
    }
  }

  async function mailAlerts(): Promise<never> {
    for (;;) {
      await condition(() => state!.mailsDue.length > 0)
      const [id] = state!.mailsDue
      const mail = nextAlertMail(state!)
      try {
        if (mail !== null) await mailAlert(mail)
      } catch (error) {
        if (isCancellation(error)) throw error
        log.warn('an alert could not be mailed', { alert: id })
      }
      state = { ...state!, mailsDue: state!.mailsDue.filter((due) => due !== id) }
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
