import type { Context, Info } from '@temporalio/activity'
import { ApplicationFailure, CompleteAsyncError } from '@temporalio/common'
import type { ActivityExecuteInput, ActivityInterceptorsFactory } from '@temporalio/worker'
import type { Activity, Catalogue, PricedActivity } from '../../credits/catalogue.ts'
import { type Micro, toMicro, zero } from '../../credits/money.ts'
import type { Clock } from '../clock.ts'
import type { Work } from '../gate.ts'
import { type Attribution, attributionFrom, withAttribution, type WorkFor } from './attribution.ts'
import type { Booking, Bookings, Job } from './bookings.ts'
import { idOf } from './charge-key.ts'
import { type CurrentWork, duringWork } from './current-work.ts'
import type { Events } from './events.ts'
import {
  detailOf,
  type Dimensions,
  freeWork,
  isItem,
  levelsOf,
  type Occasion,
  priceOf,
  priceWork,
  rowOf,
} from './price-work.ts'
import { refusalOfError } from './model-refusal.ts'
import { refusalFailure, type RefusalTimes, WorkRefused } from './refusal-failure.ts'
import type { Runtime } from './runtime.ts'
import { type ActivityNote, attributionOf, readActivityNote } from './workflow/carried.ts'
import { isOwnActivity } from './workflow/own-activities.ts'

/** An activity that nobody said the account of: its run is older than the plugin, or was started without an account. */
export interface UnmarkedActivity {
  readonly activityType: string
  readonly args: readonly unknown[]
  /** '' for an activity without a workflow. */
  readonly workflowType: string
  readonly workflowId: string
}

export interface ActivityDeps {
  readonly catalogue: Pick<Catalogue, 'activities' | 'policies' | 'version'>
  readonly bookings: Bookings
  /** undefined when runtime has no price. */
  readonly runtime: Runtime | undefined
  readonly clock: Pick<Clock, 'now'>
  readonly events: Pick<Events, 'tell'>
  readonly times: RefusalTimes
  readonly whenUnavailable: 'wait' | 'goOn'
  readonly attributionOfActivity?: ((activity: UnmarkedActivity) => WorkFor | undefined) | undefined
  /** How many units to set aside before, where it is not one: the images that are ordered. */
  readonly ordered?: ((activityType: string, args: readonly unknown[]) => number | undefined) | undefined
  readonly describe?:
    | ((activityType: string, args: readonly unknown[], result: unknown) => Dimensions | undefined)
    | undefined
}

type Run = () => Promise<unknown>

/** Whatever there is: what a step or a refused model call would cost is not always known. */
const oneMicro = toMicro(1)

/** Reserves before an activity that has a price, and charges what succeeded. */
export function createActivityInterceptor(deps: ActivityDeps): ActivityInterceptorsFactory {
  const entries = new Map<string, Activity>(deps.catalogue.activities.map((entry) => [entry.name, entry]))
  return ({ info }: Context) => ({
    inbound: {
      async execute(input, next) {
        const note = readActivityNote(input.headers)
        const who = whoseIs(deps, info, input, note)
        const work = who === undefined ? undefined : workOf(info, note, who)
        const run: Run =
          who === undefined || work === undefined
            ? () => next(input)
            : () => withAttribution(who, () => duringWork(work, () => next(input)))
        if (isOwnActivity(info.activityType)) return run()
        const { runtime } = deps
        const charged = (): Promise<unknown> => runCharged(deps, { info, who, work, args: input.args }, run)
        try {
          return await (who === undefined || runtime === undefined
            ? charged()
            : runtime.during(who, info, note, charged))
        } catch (error) {
          const refused = refusedWork(error)
          if (refused === undefined) throw error
          const step =
            note?.parks === true && work !== undefined
              ? { ...stepOf(work), need: needOf(refused, info, note, input.args) }
              : undefined
          throw refusalFailure(refused.refusal, deps.times, step)
        }
      },
    },
  })

  /** By what the catalogue says of its type. */
  async function runCharged(deps: ActivityDeps, { info, who, work, args }: Occurring, run: Run): Promise<unknown> {
    const entry = entries.get(info.activityType)
    if (entry === undefined) return runUnnamed({ info, who, work, args }, run)
    if ('chargedBy' in entry) return run()
    if (who === undefined || work === undefined) {
      if (!('free' in entry)) deps.events.tell({ kind: 'unattributed', name: info.activityType })
      return run()
    }
    if ('free' in entry) return runFree(deps, { entry, who, work }, run)
    return runPriced(deps, { entry, who, work, args }, run)
  }

  /** All that will be asked for when the activity is tried again: with less at hand it would be refused again, though some of it alone can be had. */
  function needOf(
    { within }: WorkRefused,
    { activityType }: Info,
    note: ActivityNote,
    args: readonly unknown[],
  ): Micro {
    const entry = entries.get(activityType) ?? modelOf(activityType)
    const price = entry !== undefined && 'price' in entry ? priceOfOrder(deps, entry, args) : zero
    const beside = toMicro(within + price)
    const asked = toMicro(beside + (deps.runtime?.setsAside(note, beside) ?? zero))
    return asked === zero ? oneMicro : asked
  }

  /** What an activity that has no price of its own is charged as, if the policy is that. */
  function modelOf(name: string): PricedActivity | undefined {
    const model = entries.get(deps.catalogue.policies.unknownActivity)
    if (model === undefined || !('price' in model)) return undefined
    return { ...model, name, item: isItem(name) ? name : model.item }
  }

  /** By policy: free, refused, or as another activity. */
  async function runUnnamed({ info, who, work, args }: Occurring, run: Run): Promise<unknown> {
    const name = info.activityType
    const policy = deps.catalogue.policies.unknownActivity
    deps.events.tell({ kind: 'unnamed_activity', name, policy })
    const entry = modelOf(name)
    if (entry !== undefined) {
      if (who !== undefined && work !== undefined) return runPriced(deps, { entry, who, work, args }, run)
      deps.events.tell({ kind: 'unattributed', name })
    }
    if (policy !== 'refuse') return run()
    throw ApplicationFailure.nonRetryable(
      `the catalogue names no price of activity ${name}, and its policy is to refuse those`,
      'ActivityNotPriced',
    )
  }
}

interface Occurring {
  readonly info: Info
  readonly who: Attribution | undefined
  readonly work: CurrentWork | undefined
  readonly args: readonly unknown[]
}

function whoseIs(
  { events, attributionOfActivity }: ActivityDeps,
  { activityType, inWorkflow, workflowType = '', workflowExecution }: Info,
  { args }: ActivityExecuteInput,
  note: ActivityNote | undefined,
): Attribution | undefined {
  if (note === undefined && inWorkflow) events.tell({ kind: 'workflow_side_missing', workflowType })
  if (note?.account !== undefined) return attributionOf(note as Attribution)
  const named = attributionOfActivity?.({
    activityType,
    args,
    workflowType,
    workflowId: workflowExecution?.workflowId ?? '',
  })
  return named === undefined ? undefined : attributionFrom(named)
}

function workOf(info: Info, note: ActivityNote | undefined, who: Attribution): CurrentWork {
  const { account, organization, employee, message } = who
  const runId = info.workflowExecution?.runId ?? info.activityRunId ?? ''
  const activityId = note?.resumes ?? info.activityId
  const firstScheduledMs = Math.floor(note?.bornMs ?? info.scheduledTimestampMs)
  const ordinals = new Map<string, number>()
  return {
    account,
    organization,
    employee,
    messageId: message,
    workflowId: info.workflowExecution?.workflowId ?? '',
    runId,
    activityId,
    attempt: info.attempt,
    firstScheduledMs,
    nextChargeId(what) {
      const ordinal = ordinals.get(what) ?? 0
      ordinals.set(what, ordinal + 1)
      return idOf({ bornMs: firstScheduledMs, path: [runId, activityId, what], ordinal })
    },
  }
}

/** Also of a model call within the activity, which the gateway has refused. */
function refusedWork(error: unknown): WorkRefused | undefined {
  if (error instanceof WorkRefused) return error
  const refusal = refusalOfError(error)
  return refusal === undefined
    ? undefined
    : new WorkRefused(refusal, refusal.kind === 'insufficient_credits' ? refusal.needed : oneMicro)
}

function stepOf({ activityId, firstScheduledMs }: CurrentWork) {
  return { activityId, bornMs: firstScheduledMs }
}

interface Priced {
  readonly entry: PricedActivity
  readonly who: Attribution
  readonly work: CurrentWork
  readonly args: readonly unknown[]
}

async function runFree(
  deps: ActivityDeps,
  { entry, who, work }: Pick<Priced, 'who' | 'work'> & { readonly entry: Activity },
  run: Run,
): Promise<unknown> {
  const startedAtMs = deps.clock.now()
  const result = await run()
  const done = freeWork(deps.catalogue, entry.name, occasion(deps, who, startedAtMs, 'finished'))
  // Nobody waits for the record of something free
  setImmediate(() => void deps.bookings.record(jobOf(entry.name, { who, work }, done), done))
  return result
}

async function runPriced(deps: ActivityDeps, priced: Priced, run: Run): Promise<unknown> {
  const { entry, who } = priced
  const startedAtMs = deps.clock.now()
  const expected = { actual: priceOfOrder(deps, entry, priced.args), row: rowOf(entry.category, entry.item, who) }
  const booking = await bookingOf(deps, jobOf(entry.name, priced, expected))
  let result: unknown
  try {
    result = await run()
  } catch (error) {
    // Handed over to be completed by somebody else: this worker has done its part
    if (error instanceof CompleteAsyncError) {
      await booking?.finish(done(deps, priced, startedAtMs, undefined))
    } else {
      await booking?.fail(detailOf(deps.catalogue, entry.name, occasion(deps, who, startedAtMs, 'failed'), []))
    }
    throw error
  }
  await booking?.finish(done(deps, priced, startedAtMs, result))
  return result
}

function priceOfOrder({ ordered, events }: ActivityDeps, entry: PricedActivity, args: readonly unknown[]): Micro {
  try {
    return priceOf(entry, ordered?.(entry.name, args) ?? 1)
  } catch (error) {
    events.tell({ kind: 'describe_failed', name: entry.name, error })
    return entry.price
  }
}

/** undefined when an earlier attempt has paid. Throws WorkRefused where the activity may not run. */
async function bookingOf({ bookings, whenUnavailable, events }: ActivityDeps, job: Job) {
  const answer = await bookings.open(job)
  switch (answer.status) {
    case 'open':
      return answer.booking
    case 'paid':
      return undefined
    case 'refused': {
      const { refusal } = answer
      if (refusal.kind !== 'ledger_unavailable' || whenUnavailable === 'wait') throw new WorkRefused(refusal)
      events.tell({ kind: 'went_on_unasked', name: job.name, reason: refusal.reason })
      return bookings.unasked(job) satisfies Booking
    }
  }
}

function done({ describe, ...deps }: ActivityDeps, priced: Priced, startedAtMs: number, result: unknown): Work {
  const { entry, who, args } = priced
  const when = occasion(deps, who, startedAtMs, 'finished')
  try {
    return priceWork(deps.catalogue, entry, when, describe?.(entry.name, args, result))
  } catch (error) {
    // It succeeded: failing it now would do it twice
    deps.events.tell({ kind: 'describe_failed', name: entry.name, error })
    return priceWork(deps.catalogue, entry, when)
  }
}

function occasion(
  { clock }: Pick<ActivityDeps, 'clock'>,
  who: Attribution,
  startedAtMs: number,
  outcome: Occasion['outcome'],
): Occasion {
  return { who, task: '', startedAtMs, durationMs: Math.max(0, clock.now() - startedAtMs), outcome }
}

function jobOf(
  name: string,
  { who, work }: Pick<Priced, 'who' | 'work'>,
  { actual, row }: Pick<Work, 'actual' | 'row'>,
): Job {
  return {
    name,
    accountId: who.account,
    bornMs: work.firstScheduledMs,
    path: [work.runId, work.activityId],
    amount: actual,
    row,
    levels: levelsOf(who),
  }
}
