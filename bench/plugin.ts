import type { temporal } from '@temporalio/proto'
import { until } from '../test/stack/until.ts'
import { median } from './gateway/load.ts'
import type { Busy } from './plugin/activities.ts'
import { openStand, type Stand, type Way } from './plugin/stand.ts'
import { oneByOne, threeAtOnce } from './plugin/workflows.ts'
import type { Figure, Goal, Measured, SuiteOptions } from './suite.ts'

interface Effort {
  readonly rounds: number
  /** Of each run, one after the other. */
  readonly activities: number
  readonly overlappingRuns: number
  readonly longestMs: number
}
const efforts: Record<'full' | 'quick', Effort> = {
  full: { rounds: 5, activities: 100, overlappingRuns: 10, longestMs: 4_000 },
  quick: { rounds: 2, activities: 8, overlappingRuns: 2, longestMs: 1_000 },
}

const kinds = [
  { activity: 'bench.unnamed', says: 'one that the catalogue does not name' },
  { activity: 'bench.free', says: 'a free one' },
  { activity: 'bench.priced', says: 'a priced one' },
] as const
type Kind = (typeof kinds)[number]['activity']

const ways: readonly Way[] = ['without', 'with']

/**
 * The same workflows on two workers of one process, with the plugin and without, in rounds that take turns: what is added to an activity, and to a history.
 * Then what is billed for activities over each other, beside when they were under way.
 */
export async function pluginSuite({ quick, say }: SuiteOptions): Promise<Measured> {
  const effort = efforts[quick ? 'quick' : 'full']
  say('starting Redis, Temporal and two workers')
  const stand = await openStand()
  try {
    const added = await addedToActivities(stand, effort, say)
    return { figures: [...added, ...(await unions(stand, effort, say))], void: '' }
  } finally {
    await stand.close()
  }
}

/** One run of many activities. */
interface Seen {
  /** Of each activity. */
  readonly inWorkerMs: readonly number[]
  readonly startedToCompletedMs: number
  readonly wholeMs: number
  readonly cpuUs: number
  readonly events: number
}

async function addedToActivities(stand: Stand, effort: Effort, say: SuiteOptions['say']): Promise<readonly Figure[]> {
  const account = await stand.charging.openAccount(1_000_000)
  say('warming up')
  for (const { activity } of kinds) for (const way of ways) await observe(stand, account, way, activity, effort)
  const seen = new Map<string, Seen[]>()
  const pings: number[] = []
  for (let round = 0; round < effort.rounds; round += 1) {
    say(`${effort.activities} activities after each other, round ${round + 1} of ${effort.rounds}`)
    pings.push(...(await stand.pings(effort.activities)))
    for (const { activity } of kinds) {
      for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
        const list = seen.get(`${activity} ${way}`) ?? []
        seen.set(`${activity} ${way}`, [...list, await observe(stand, account, way, activity, effort)])
      }
    }
  }
  const addedInWorker = (of: readonly Kind[]): number => {
    const [without, with_] = ways.map((way) =>
      middle(of.flatMap((kind) => seen.get(`${kind} ${way}`)!.flatMap(({ inWorkerMs }) => inWorkerMs))),
    )
    return with_! - without!
  }
  const added = kinds.flatMap(({ activity, says }) => {
    const of = (way: Way, name: keyof Omit<Seen, 'inWorkerMs'>): readonly number[] =>
      seen.get(`${activity} ${way}`)!.map((one) => one[name])
    const added = (name: keyof Omit<Seen, 'inWorkerMs'>): number =>
      middle(of('with', name).map((each, round) => each - of('without', name)[round]!))
    return [
      figure(
        `${says}: started to completed without the plugin, median`,
        middle(of('without', 'startedToCompletedMs')),
        'ms',
      ),
      figure(`${says}: added from started to completed, median`, added('startedToCompletedMs'), 'ms'),
      figure(`${says}: added in the worker, median`, addedInWorker([activity]), 'ms', { atMost: 1 }),
      figure(`${says}: added to the run, per activity`, added('wholeMs'), 'ms'),
      figure(`${says}: CPU added to the worker, per activity`, added('cpuUs'), 'µs'),
      figure(`${says}: events added to the history`, added('events'), 'events', { atMost: 0 }),
    ]
  })
  return [
    figure('a PING of an idle Redis, median', middle(pings), 'ms'),
    figure('an activity: added in the worker, median', addedInWorker(kinds.map(({ activity }) => activity)), 'ms', {
      atMost: 1,
    }),
    ...added,
  ]
}

async function observe(stand: Stand, account: string, way: Way, activity: Kind, { activities }: Effort): Promise<Seen> {
  stand.takeDurations(way)
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const handle = await stand.start(way, account, oneByOne, [activity, activities])
  await handle.result()
  const wholeMs = (performance.now() - startedAt) / activities
  const { user, system } = process.cpuUsage(cpu)
  const durations = stand.takeDurations(way)
  const events = (await handle.fetchHistory()).events ?? []
  return {
    inWorkerMs: durations,
    startedToCompletedMs: middle(startedToCompleted(events)),
    wholeMs,
    cpuUs: (user + system) / activities,
    events: events.length,
  }
}

/** What the server waited for each activity, ms: handing it out, the worker, and the answer. */
function startedToCompleted(events: readonly temporal.api.history.v1.IHistoryEvent[]): readonly number[] {
  const startedAtMs = new Map<number, number>()
  const took: number[] = []
  for (const event of events) {
    if (event.activityTaskStartedEventAttributes) startedAtMs.set(Number(event.eventId), msOf(event))
    const { startedEventId } = event.activityTaskCompletedEventAttributes ?? {}
    if (startedEventId) took.push(msOf(event) - startedAtMs.get(Number(startedEventId))!)
  }
  return took
}

function msOf({ eventTime }: temporal.api.history.v1.IHistoryEvent): number {
  return Number(eventTime!.seconds) * 1_000 + (eventTime!.nanos ?? 0) / 1_000_000
}

/** Several runs at a time, each with three activities over each other. */
async function unions(
  stand: Stand,
  { overlappingRuns, longestMs }: Effort,
  say: SuiteOptions['say'],
): Promise<readonly Figure[]> {
  say(`${overlappingRuns} runs of three activities over each other`)
  const account = await stand.charging.openAccount(10_000)
  const runIds = await Promise.all(
    Array.from({ length: overlappingRuns }, async () => {
      const handle = await stand.start('with', account, threeAtOnce, [longestMs])
      await handle.result()
      return handle.firstExecutionRunId
    }),
  )
  const billed = await until(async () => {
    const receipts = (await stand.charging.receipts(account)).filter(({ row }) => row.startsWith('compute_runtime|'))
    const of = (runId: string) => receipts.filter(({ id }) => id.includes(runId))
    return runIds.every((runId) => of(runId).length > 0)
      ? runIds.map((runId) => of(runId).reduce((sum, { quantities }) => sum + quantities.units, 0))
      : undefined
  })
  const truth = runIds.map((runId) => unionMs(stand.busyOf(runId)))
  const sums = runIds.map((runId) => stand.busyOf(runId).reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0))
  const off = truth.map((ms, run) => (100 * Math.abs(billed[run]! - ms)) / ms)
  return [
    figure('three at once: under way, per run', middle(truth), 'ms'),
    figure('three at once: their sum, per run', middle(sums), 'ms'),
    figure('three at once: billed, per run', middle(billed), 'ms'),
    figure('three at once: billed besides the union, median', middle(off), '%'),
    figure('three at once: billed besides the union, worst run', Math.max(...off), '%', { atMost: 1 }),
  ]
}

/** For how long at least one of them was under way. */
function unionMs(intervals: readonly Busy[]): number {
  let total = 0
  let endMs = 0
  for (const { fromMs, toMs } of intervals.toSorted((one, other) => one.fromMs - other.fromMs)) {
    total += Math.max(0, toMs - Math.max(fromMs, endMs))
    endMs = Math.max(endMs, toMs)
  }
  return total
}

const figure = (name: string, value: number, unit: string, goal: Goal | null = null): Figure => ({
  name,
  value,
  unit,
  goal,
})

function middle(values: readonly number[]): number {
  return median(values.toSorted((one, other) => one - other))
}
