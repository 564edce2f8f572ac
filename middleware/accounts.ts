import {
  type ApplicationFailure,
  type Client,
  isGrpcServiceError,
  WithStartWorkflowOperation,
  type Workflow,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client'
import {
  type AccountRefusal,
  type AccountRefusalCode,
  type AccountView,
  accountWorkflowId,
  accountWorkflowType,
  type AcknowledgeAlert,
  type AlertAnswer,
  type CloseEpoch,
  type CloseEpochAnswer,
  type EmployeeCommand,
  type GrantCommand,
  type LineageAnswer,
  type NextLineage,
  type OrganizationCommand,
  type PlanCommand,
  queries,
  type ReconcileAnswer,
  type ReconcileCommand,
  type RaiseBudget,
  type RemoveBudget,
  type RowsReport,
  type SaveBudget,
  type SetPlanAnswer,
  type SetPlanCommand,
  type SignUp,
  type SignUpAnswer,
  type SignUpCommand,
  type TakeBackCommand,
  type TermsAnswer,
  updates,
} from '../credits/account/messages.ts'
import type { Catalogue, Plan } from '../credits/catalogue.ts'
import type { AccountStart } from '../credits/account/account-start.ts'

export type AccountAnswer<Answer> = ({ readonly ok: true } & Answer) | AccountRefusal

/**
 * Every account, through its workflow. All commands may be repeated. Refusals are values; rejects with TemporalUnavailable when no
 * answer came in time: then nothing is known, and the same command may be sent again.
 */
export interface Accounts {
  signUp(request: SignUp): Promise<AccountAnswer<SignUpAnswer>>
  grant(accountId: string, command: GrantCommand): Promise<AccountAnswer<TermsAnswer>>
  setPlan(accountId: string, command: PlanCommand): Promise<AccountAnswer<SetPlanAnswer>>
  saveEmployee(accountId: string, command: EmployeeCommand): Promise<AccountAnswer<TermsAnswer>>
  saveOrganization(accountId: string, command: OrganizationCommand): Promise<AccountAnswer<TermsAnswer>>
  saveBudget(accountId: string, command: SaveBudget): Promise<AccountAnswer<TermsAnswer>>
  removeBudget(accountId: string, command: RemoveBudget): Promise<AccountAnswer<TermsAnswer>>
  raiseBudget(accountId: string, command: RaiseBudget): Promise<AccountAnswer<TermsAnswer>>
  acknowledgeAlert(accountId: string, command: AcknowledgeAlert): Promise<AccountAnswer<AlertAnswer>>
  takeBack(accountId: string, command: TakeBackCommand): Promise<AccountAnswer<TermsAnswer>>
  view(accountId: string): Promise<AccountAnswer<{ readonly view: AccountView }>>
  /** These three are the reconciler's and the loader's. */
  reconcile(accountId: string, report: RowsReport): Promise<AccountAnswer<ReconcileAnswer>>
  nextLineage(accountId: string, above?: number): Promise<AccountAnswer<LineageAnswer>>
  closeEpoch(accountId: string, command: CloseEpoch): Promise<AccountAnswer<CloseEpochAnswer>>
}

export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable'
}

export interface AccountsDeps {
  readonly client: Client
  readonly taskQueue: string
  /** Its facts go along with the commands that need them; see PlanFacts. */
  readonly catalogue: Pick<Catalogue, 'plans' | 'defaultPlan' | 'bonuses' | 'alerts' | 'policies'>
  /** Of one attempt; there are two. */
  readonly deadlineMs?: number
  /** Updates after which an account's run hands over to the next. */
  readonly updatesPerRun?: number
  /** Hears of everything that is under way, also of what nobody waits for any more. */
  readonly onCall?: ((call: Promise<unknown>) => void) | undefined
}

/** Well below the server's 2,000. */
export const usualUpdatesPerRun = 500

const attempts = 2
/** An update that waits while its account's run hands over to the next is refused at once, and taken a moment later. */
const mostHandovers = 6
const afterHandoverMs = 50

export function createAccounts({
  client,
  taskQueue,
  catalogue,
  deadlineMs = 5_000,
  updatesPerRun = usualUpdatesPerRun,
  onCall,
}: AccountsDeps): Accounts {
  const policies = {
    alerts: catalogue.alerts,
    depletedBelow: catalogue.policies.depletedBelow,
    mailsAlerts: catalogue.policies.alertMail,
  }

  return {
    signUp: (request) =>
      answered<SignUpAnswer>(request.accountId, () => {
        const plan = planOf(catalogue.defaultPlan)
        if (plan === undefined)
          throw new Error(`the catalogue's default plan is not one of its plans: ${catalogue.defaultPlan}`)
        const command: SignUpCommand = { ...request, plan, welcome: catalogue.bonuses.welcome, policies }
        const start: AccountStart = { state: null, pushedVersion: 0, updatesPerRun }
        return client.workflow.executeUpdateWithStart<Workflow, SignUpAnswer, [SignUpCommand]>(updates.signUp, {
          args: [command],
          startWorkflowOperation: new WithStartWorkflowOperation(accountWorkflowType, {
            workflowId: accountWorkflowId(request.accountId),
            taskQueue,
            args: [start],
            workflowIdConflictPolicy: 'USE_EXISTING',
          }),
        })
      }),
    grant: (accountId, command) => update<GrantCommand, TermsAnswer>(accountId, updates.grant, command),
    setPlan: async (accountId, { plan: id, by, order }) => {
      const plan = order === undefined ? planOf(id) : { id, name: order.name, allowance: order.allowance }
      if (plan === undefined) return { ok: false, code: 'plan_unknown', message: `the catalogue has no plan ${id}` }
      return update<SetPlanCommand, SetPlanAnswer>(accountId, updates.setPlan, {
        plan,
        by,
        upgrade: catalogue.policies.upgrade,
        ...(order === undefined ? {} : { order: order.id }),
      })
    },
    saveEmployee: (accountId, command) =>
      update<EmployeeCommand, TermsAnswer>(accountId, updates.saveEmployee, command),
    saveOrganization: (accountId, command) =>
      update<OrganizationCommand, TermsAnswer>(accountId, updates.saveOrganization, command),
    saveBudget: (accountId, command) => update<SaveBudget, TermsAnswer>(accountId, updates.saveBudget, command),
    removeBudget: (accountId, command) => update<RemoveBudget, TermsAnswer>(accountId, updates.removeBudget, command),
    raiseBudget: (accountId, command) => update<RaiseBudget, TermsAnswer>(accountId, updates.raiseBudget, command),
    acknowledgeAlert: (accountId, command) =>
      update<AcknowledgeAlert, AlertAnswer>(accountId, updates.acknowledgeAlert, command),
    takeBack: (accountId, command) => update<TakeBackCommand, TermsAnswer>(accountId, updates.takeBack, command),
    view: (accountId) =>
      answered(accountId, async () => {
        const view = await client.workflow
          .getHandle(accountWorkflowId(accountId))
          .query<AccountView | null>(queries.view)
        return view === null ? unknownAccount(accountId) : { view }
      }),
    reconcile: (accountId, report) =>
      update<ReconcileCommand, ReconcileAnswer>(accountId, updates.reconcile, { ...report, policies }),
    nextLineage: (accountId, above = 0) =>
      update<NextLineage, LineageAnswer>(accountId, updates.nextLineage, { above }),
    closeEpoch: (accountId, command) => update<CloseEpoch, CloseEpochAnswer>(accountId, updates.closeEpoch, command),
  }

  function planOf(id: string): Pick<Plan, 'id' | 'name' | 'allowance'> | undefined {
    const plan = catalogue.plans.find((each) => each.id === id)
    return plan && { id: plan.id, name: plan.name, allowance: plan.allowance }
  }

  function update<Command, Answer extends object>(
    accountId: string,
    name: string,
    command: Command,
  ): Promise<AccountAnswer<Answer>> {
    return answered(accountId, () =>
      client.workflow
        .getHandle(accountWorkflowId(accountId))
        .executeUpdate<Answer, [Command]>(name, { args: [command] }),
    )
  }

  function answered<Answer extends object>(
    accountId: string,
    ask: () => Promise<Answer | AccountRefusal>,
  ): Promise<AccountAnswer<Answer>> {
    return told(untilAnswered(accountId, ask))
  }

  function told<T>(call: Promise<T>): Promise<T> {
    onCall?.(call)
    return call
  }

  async function untilAnswered<Answer extends object>(
    accountId: string,
    ask: () => Promise<Answer | AccountRefusal>,
  ): Promise<AccountAnswer<Answer>> {
    let attempt = 1
    let handovers = 0
    for (;;) {
      try {
        const answer = await inTime(() => told(client.withDeadline(Date.now() + deadlineMs, ask)), deadlineMs)
        return isRefusal(answer) ? answer : { ok: true, ...answer }
      } catch (error) {
        const refusal = refusalIn(error, accountId)
        if (refusal !== null) return refusal
        if (isBug(error)) throw error
        if (isHandover(error) && handovers < mostHandovers) {
          handovers += 1
          await new Promise((resolve) => setTimeout(resolve, afterHandoverMs * handovers))
        } else if (attempt === attempts) {
          throw new TemporalUnavailable('the account workflow did not answer in time', { cause: error })
        } else {
          attempt += 1
        }
      }
    }
  }
}

function isRefusal(answer: object): answer is AccountRefusal {
  return 'ok' in answer && answer.ok === false
}

function unknownAccount(accountId: string): AccountRefusal {
  return { ok: false, code: 'account_unknown', message: `no account ${accountId}` }
}

const refusalCodes = {
  account_unknown: true,
  account_conflict: true,
  grant_conflict: true,
  amount_invalid: true,
  plan_unknown: true,
  time_zone_unknown: true,
  too_many_employees: true,
  employee_unknown: true,
  employee_conflict: true,
  organization_unknown: true,
  organization_conflict: true,
  too_many_grants: true,
  epoch_unknown: true,
  epoch_open: true,
  alert_unknown: true,
  too_many_organizations: true,
  too_many_budgets: true,
  budget_unknown: true,
  version_conflict: true,
} as const satisfies Record<AccountRefusalCode, true>

function refusalIn(error: unknown, accountId: string): AccountRefusal | null {
  if (error instanceof WorkflowNotFoundError) return unknownAccount(accountId)
  const type = updateFailureType(error)
  if (type === null || !(type in refusalCodes)) return null
  return {
    ok: false,
    code: type as AccountRefusalCode,
    message: (error as WorkflowUpdateFailedError).cause?.message ?? type,
  }
}

/** What the server says of an update whose workflow task it had to drop: something else came in while the run was ending. */
function isHandover(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return isGrpcServiceError(cause) && cause.code === failedPrecondition
}
const failedPrecondition = 9

/** A handler that broke, or arguments that the client could not send: waiting would not help. */
function isBug(error: unknown): boolean {
  return updateFailureType(error) === 'account_broken' || error instanceof TypeError || error instanceof RangeError
}

function updateFailureType(error: unknown): string | null {
  // The type, not the class: several copies of the SDK may be loaded.
  if (!(error instanceof WorkflowUpdateFailedError)) return null
  return (error.cause as Partial<ApplicationFailure> | undefined)?.type ?? null
}

/** The client's own deadline covers its calls, not every wait between them. */
async function inTime<T>(work: () => Promise<T>, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs + 250)
  })
  try {
    return await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}
