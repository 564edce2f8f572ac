import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ClientInterceptors, ClientOptions } from '@temporalio/client'
import { SimplePlugin } from '@temporalio/plugin'
import type {
  ActivityInterceptorsFactory,
  BundleOptions,
  ReplayWorkerOptions,
  WorkerInterceptors,
  WorkerOptions,
} from '@temporalio/worker'
import type { Catalogue, PricedActivity } from '../../credits/catalogue.ts'
import { systemClock } from '../clock.ts'
import { type ActivityDeps, createActivityInterceptor } from './activity-interceptor.ts'
import { createBillOpenTime } from './bill-open-time.ts'
import { createBookings } from './bookings.ts'
import type { Charges } from './charges.ts'
import { type ClientDeps, createClientInterceptors } from './client-interceptors.ts'
import { createCompleteTask } from './complete-task-activity.ts'
import { createRuntime } from './runtime.ts'
import { createEvents, type EventCounts, type Events, type PluginEvent } from './events.ts'
import { createParkingActivities } from './parking-activities.ts'
import type { OwnActivities } from './workflow/own-activities.ts'

export interface TollgatePluginOptions extends Pick<
  Partial<ActivityDeps>,
  'attributionOfActivity' | 'describe' | 'ordered' | 'whenUnavailable'
> {
  /** Where to reserve and charge. A process that has only clients needs none. */
  readonly charges?: Charges
  readonly catalogue: Catalogue
  /** Whom a start is billed to; undefined leaves it to `withAttribution`. */
  readonly attribution?: ClientDeps['attribution']
  /** Workflow types whose success completes a task. */
  readonly tasks?: readonly string[]
  readonly onEvent?: (event: PluginEvent) => void
  /** When an activity that met an empty balance tries again, of a run that is older than the plugin and cannot park. Default one minute. */
  readonly depletedRetryMs?: number
  /** How long credits of a killed worker stay set aside. Default one minute. */
  readonly holdMs?: number
}

/** Beside this module, with its ending: `.ts` in the repository, `.js` in the package. */
const workflowModule = fileURLToPath(new URL(`./workflow/interceptors${extname(import.meta.url)}`, import.meta.url))

/** What the ledger's absence costs an activity each time. */
const unavailableRetryMs = 5_000

/**
 * Bills a company's workflows. One instance goes into `plugins` of clients and workers, or of their connections, or of both: what is already there is not added
 * again. `SimplePlugin` only lends its defaults, since its way of merging drops interceptors that it does not know and methods of class instances.
 */
export class TollgatePlugin extends SimplePlugin {
  readonly #options: TollgatePluginOptions
  readonly #events: Events
  readonly #client: ReturnType<typeof createClientInterceptors>

  /** Throws TypeError when the catalogue has no price of `task.completed`. */
  constructor(options: TollgatePluginOptions) {
    super({ name: 'tollgate.TollgatePlugin' })
    taskEntry(options.catalogue)
    this.#options = options
    this.#events = createEvents(options.onEvent)
    const { attribution, tasks = [] } = options
    const openTime = options.catalogue.policies.runtime === 'open'
    this.#client = createClientInterceptors({ attribution, tasks, openTime })
    for (const interceptor of [...this.#client.workflow, ...this.#client.schedule]) ours.add(interceptor)
  }

  /** How often each kind of event has happened in this process. */
  counts(): EventCounts {
    return this.#events.counts()
  }

  override configureClient(options: ClientOptions): ClientOptions {
    return { ...options, interceptors: this.#withClient(options.interceptors) }
  }

  /** Throws TypeError when the plugin was made without `charges`. */
  override configureWorker(options: WorkerOptions): WorkerOptions {
    const { interceptors = {} } = options
    if (interceptors.activity?.some((factory) => ours.has(factory)) === true) return options
    const { charges, catalogue, holdMs = 60_000 } = this.#options
    if (charges === undefined) throw new TypeError('a worker needs a TollgatePlugin with charges')
    const events = this.#events
    const clock = systemClock
    const bookings = createBookings({ charges, clock, events, holdMs })
    const {
      depletedRetryMs = 60_000,
      whenUnavailable = 'wait',
      attributionOfActivity,
      describe,
      ordered,
    } = this.#options
    const times = { depletedRetryMs, unavailableRetryMs }
    const runtime = pricedEntry(catalogue, 'compute.runtime')
    const factory: ActivityInterceptorsFactory = createActivityInterceptor({
      catalogue,
      bookings,
      runtime:
        runtime === undefined
          ? undefined
          : createRuntime({ catalogue, entry: runtime, charges, events, whenUnavailable }),
      clock,
      events,
      times,
      whenUnavailable,
      attributionOfActivity,
      describe,
      ordered,
    })
    ours.add(factory)
    const own: OwnActivities = {
      'tollgate.completeTask': createCompleteTask({ catalogue, entry: taskEntry(catalogue), bookings, clock, events }),
      'tollgate.billOpenTime': createBillOpenTime({ catalogue, entry: runtime, bookings, events }),
      ...createParkingActivities(charges.waitingRoom),
    }
    return {
      ...options,
      activities: { ...activitiesOf(options.activities), ...own },
      interceptors: {
        ...this.#withModule(interceptors, options.workflowsPath),
        client: this.#withClient(interceptors.client),
        // Outermost: what another interceptor makes of a result is part of the success, or failure, that is charged
        activity: [factory, ...(interceptors.activity ?? [])],
      },
    }
  }

  override configureReplayWorker(options: ReplayWorkerOptions): ReplayWorkerOptions {
    return { ...options, interceptors: this.#withModule(options.interceptors ?? {}, options.workflowsPath) }
  }

  override configureBundler(options: BundleOptions): BundleOptions {
    return { ...options, workflowInterceptorModules: withOwn(options.workflowInterceptorModules) }
  }

  /** A bundle that is there already has our module, or has it not. */
  #withModule(interceptors: WorkerInterceptors, workflowsPath: string | undefined): WorkerInterceptors {
    if (workflowsPath === undefined) return interceptors
    return { ...interceptors, workflowModules: withOwn(interceptors.workflowModules) }
  }

  #withClient(existing: ClientInterceptors = {}): ClientInterceptors {
    const { workflow = [], schedule = [] } = existing
    const own = this.#client
    if (schedule.some((interceptor) => ours.has(interceptor))) return existing
    return {
      ...existing,
      schedule: [...schedule, ...own.schedule],
      workflow: Array.isArray(workflow)
        ? [...workflow, ...own.workflow]
        : // A list of factories, the form that Temporal had before
          { ...workflow, calls: [...(workflow.calls ?? []), ...own.workflow.map((interceptor) => () => interceptor)] },
    }
  }
}

/** All that plugins have added in this process: a second one would bill the same work again. */
const ours = new WeakSet<object>()

function withOwn(modules: readonly string[] = []): string[] {
  return modules.includes(workflowModule) ? [...modules] : [...modules, workflowModule]
}

function taskEntry(catalogue: Pick<Catalogue, 'activities'>): PricedActivity {
  const entry = pricedEntry(catalogue, 'task.completed')
  if (entry === undefined) throw new TypeError('the catalogue has no price of task.completed; 0 is one')
  return entry
}

function pricedEntry({ activities }: Pick<Catalogue, 'activities'>, name: string): PricedActivity | undefined {
  const entry = activities.find((activity) => activity.name === name)
  return entry !== undefined && 'price' in entry ? entry : undefined
}

/** All functions of an object of activities, those of its class included, which Temporal alone would not find. */
function activitiesOf(activities: object = {}): Record<string, unknown> {
  const all: Record<string, unknown> = {}
  for (let proto = Object.getPrototypeOf(activities) as object | null; isClass(proto);) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
      if (name === 'constructor' || name in all || typeof value !== 'function') continue
      const method = value as (...args: unknown[]) => unknown
      all[name] = Object.assign(method.bind(activities), method)
    }
    proto = Object.getPrototypeOf(proto) as object | null
  }
  return { ...all, ...activities }
}

function isClass(proto: object | null): proto is object {
  return proto !== null && proto !== Object.prototype
}
