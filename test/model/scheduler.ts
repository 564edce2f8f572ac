import type { Random } from './random.ts'

/** The other side did not answer: whether it did what was asked is not known. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

export type Service = 'redis' | 'journal' | 'workflow'

interface Message {
  readonly to: Service
  readonly run: () => unknown
  /** Messages of one lane never overtake each other: one id on one connection. */
  readonly lane: string
}
type Step = Message | { readonly restMs: number }

/** A process of the model. Each `yield` is a rest, or a message that may be lost, late or repeated, and a place to be killed at. */
export type Process<T = void> = Generator<Step, T, unknown>

/** Sends one message and waits for its answer. Throws Unavailable. `run` may run later, twice or never: it may use only what it captured. */
export function* send<T>(to: Service, run: () => T, lane = ''): Process<T> {
  return (yield { to, run, lane }) as T
}

export function* rest(ms: number): Process {
  yield { restMs: ms }
}

/** How messages fare. All are probabilities. */
export interface Network {
  readonly lost: number
  readonly answerLost: number
  /** Given up by the sender, and yet delivered afterwards. */
  readonly late: number
  readonly repeated: number
  /** Up to how late, ms. */
  readonly latestMs: number
  /** The process that waits for the answer stands still for minutes before it goes on. */
  readonly stalled: number
}
export const perfectNetwork: Network = { lost: 0, answerLost: 0, late: 0, repeated: 0, latestMs: 0, stalled: 0 }

/** One for all: an error with its stack would cost more than the step. */
const noAnswer = new Unavailable()
const timeoutMs = 1_000
const slowestMs = 40
const longestStallMs = 400_000

export interface Scheduler {
  readonly nowMs: () => number
  readonly steps: () => number
  after(ms: number, what: () => void): void
  /** Starts a process of a group; a killed group takes all its processes with it. */
  spawn(group: string, process: Process): void
  kill(group: string): void
  isRunning(group: string): boolean
  /** Runs what is due until `done` says so, at most until `untilMs`. */
  run(done: () => boolean, untilMs: number): void
}

export interface SchedulerOptions {
  readonly random: Random
  readonly network: () => Network
  readonly isUp: (service: Service) => boolean
  /** Whether the group dies at this step. */
  readonly dies: (group: string) => boolean
  readonly onDeath: (group: string) => void
  /** Whether messages of one lane keep their order: the rule `retriesOnOneConnection`. */
  readonly lanesKeepOrder: boolean
  /** Who stands still goes on then at the latest. */
  readonly stallsEndMs: number
}

interface Running {
  readonly group: string
  readonly process: Process
  alive: boolean
}

interface Due {
  readonly atMs: number
  readonly order: number
  readonly what: () => void
}

/** One thread, one virtual clock: what is due first runs first, so a seed decides every order of events. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { random, network, isUp, dies, onDeath, lanesKeepOrder, stallsEndMs } = options
  const heap: Due[] = []
  const running = new Map<string, Set<Running>>()
  const underWay = new Map<string, Set<() => void>>()
  let now = 0
  let order = 0
  let steps = 0

  const after = (ms: number, what: () => void): void => pushDue(heap, { atMs: now + ms, order: order++, what })

  function kill(group: string): void {
    for (const one of running.get(group) ?? []) one.alive = false
    running.delete(group)
  }

  function resume(one: Running, answer: { readonly value: unknown } | { readonly error: Error }): void {
    if (!one.alive) return
    steps += 1
    const next = 'error' in answer ? one.process.throw(answer.error) : one.process.next(answer.value)
    if (!one.alive) return
    if (next.done === true) {
      one.alive = false
      running.get(one.group)?.delete(one)
      return
    }
    const step = next.value
    if (dies(one.group)) {
      // Half of the time what was just sent still arrives
      if ('to' in step && random.chance(0.5)) after(random.between(1, slowestMs), () => void deliver(step))
      kill(one.group)
      onDeath(one.group)
    } else if ('to' in step) post(one, step)
    else after(step.restMs, () => resume(one, { value: undefined }))
  }

  function post(one: Running, message: Message): void {
    const { lost, answerLost, late, repeated, latestMs, stalled } = network()
    const stallMs = random.chance(stalled) ? Math.min(random.between(5_000, longestStallMs), stallsEndMs - now) : 0
    const fate = random.next()
    const transitMs = random.between(1, slowestMs)
    const giveUp = (): void => after(timeoutMs, () => resume(one, { error: noAnswer }))
    if (fate < lost) return giveUp()
    if (fate < lost + late) {
      deliverLater(message, random.between(timeoutMs, latestMs))
      return giveUp()
    }
    if (fate < lost + late + answerLost) {
      deliverLater(message, transitMs)
      return giveUp()
    }
    // On one connection nothing is sent again once it has its answer
    const again = random.chance(repeated)
    const ordered = lanesKeepOrder && message.lane !== ''
    if (again && !ordered) deliverLater(message, transitMs + random.between(1, latestMs))
    after(transitMs, () => {
      // A service that is away is noticed at once; what was asked has not happened
      if (!isUp(message.to)) resume(one, { error: noAnswer })
      else {
        if (again && ordered) deliver(message)
        const answer = deliver(message)
        if (stallMs > 0) after(stallMs, () => resume(one, answer))
        else resume(one, answer)
      }
    })
  }

  function deliverLater(message: Message, ms: number): void {
    const arrive = (): void => {
      underWay.get(message.lane)?.delete(arrive)
      if (isUp(message.to)) message.run()
    }
    if (message.lane !== '') {
      if (!underWay.has(message.lane)) underWay.set(message.lane, new Set())
      underWay.get(message.lane)!.add(arrive)
    }
    after(ms, () => {
      if (message.lane === '' || underWay.get(message.lane)?.has(arrive) === true) arrive()
    })
  }

  function deliver(message: Message): { readonly value: unknown } {
    if (lanesKeepOrder && message.lane !== '') for (const arrive of underWay.get(message.lane) ?? []) arrive()
    return { value: message.run() }
  }

  return {
    nowMs: () => now,
    steps: () => steps,
    after,
    spawn(group, process) {
      const one = { group, process, alive: true }
      if (!running.has(group)) running.set(group, new Set())
      running.get(group)!.add(one)
      after(0, () => resume(one, { value: undefined }))
    },
    kill,
    isRunning: (group) => (running.get(group)?.size ?? 0) > 0,
    run(done, untilMs) {
      while (heap.length > 0 && !done()) {
        if (heap[0]!.atMs > untilMs) return
        const due = popDue(heap)
        now = due.atMs
        due.what()
      }
    },
  }
}

const isBefore = (a: Due, b: Due): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

function pushDue(heap: Due[], due: Due): void {
  let at = heap.push(due) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(due, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = due
}

function popDue(heap: Due[]): Due {
  const first = heap[0]!
  const last = heap.pop()!
  if (heap.length === 0) return first
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
    if (!isBefore(heap[child]!, last)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
  return first
}
