import {
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  getCurrentDetails,
  getRandomStream,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow'
import { parkedQuery, type ParkedStep, resumeSignal } from '../../../credits/parked-run.ts'
import { listAs } from './listing.ts'
import type { OpenTime } from './open-time.ts'
import { own, type Place } from './own-activities.ts'
import { type RefusedStep, refusedStep, type Step } from './refused-step.ts'

type Cure = RefusedStep['cure']

/** A step that was refused before. */
export interface Again extends Step {
  readonly cure: Cure
  /** How often in a row though it had been told to go on, or nobody could tell. */
  readonly refusals: number
}

export interface Parking {
  /**
   * What `running` comes to. Where it is refused the workflow waits, in the scope of whoever asked for the step, for what would cure that, and `schedule`
   * schedules the step afresh: new timeouts, new attempts.
   */
  through<T>(running: Promise<T>, before: Again | undefined, schedule: (again: Again) => Promise<T>): Promise<T>
}

/** How a parked run shows in Temporal's UI. */
const words = {
  credits: '**Parked: out of credits.** It goes on by itself once there are some.',
  budget: '**Parked: a budget is used up.** It goes on by itself once there is room in it.',
  ledger: '**Waiting for the credit ledger,** which does not answer.',
} as const satisfies Record<Cure, string>

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** How long until a run asks again that nobody wakes. Held credits come free without anybody being told. */
const patience: Readonly<Record<Exclude<Place['status'], 'ready'> | 'unknown', readonly [number, number]>> = {
  waiting: [15 * minute, 12 * hour],
  held: [5 * second, 5 * minute],
  unknown: [5 * second, 5 * minute],
}

/** A step in line. */
interface Waiter {
  readonly need: number
  readonly refusals: number
  /** By whom it was told to go on. */
  told?: 'ledger' | 'signal'
}

/** For one run of a workflow, from its first moment: a signal that comes early is not lost. */
export function createParking(openTime: () => OpenTime | undefined): Parking {
  let woken = 0
  /** Steps that wait for credits, in the order in which they came: they stand in one line, and the run asks for all of them. */
  const line: Waiter[] = []
  let isStanding = false
  let ledger: { answers: boolean } | undefined
  const shown: string[] = []
  const parkedSteps = new Set<ParkedStep>()
  setHandler(defineSignal(resumeSignal), () => void (woken += 1))
  setHandler(defineQuery<ParkedStep[]>(parkedQuery), () => [...parkedSteps])

  async function through<T>(
    running: Promise<T>,
    before: Again | undefined,
    schedule: (again: Again) => Promise<T>,
  ): Promise<T> {
    try {
      return await running
    } catch (error) {
      const refused = refusedStep(error)
      if (refused === undefined) throw error
      const { activityId, bornMs, cure } = refused
      const refusals = await untilCured(refused, before?.cure === cure ? before.refusals : 0)
      return schedule({ activityId, bornMs, cure, refusals })
    }
  }

  /** Answers how often in a row the step will have been refused, should it be again. */
  async function untilCured({ cure, need }: RefusedStep, refusals: number): Promise<number> {
    const hide = show(words[cure])
    const step: ParkedStep = { waitsFor: cure, need: cure === 'credits' ? need : 0 }
    parkedSteps.add(step)
    const goOn = openTime()?.pause()
    try {
      if (cure === 'credits') return await untilCredits({ need, refusals })
      await (cure === 'budget' ? untilWoken(backoff(refusals, minute, hour)) : untilLedger(refusals))
      return refusals + 1
    } finally {
      goOn?.()
      parkedSteps.delete(step)
      hide()
    }
  }

  async function untilCredits(waiter: Waiter): Promise<number> {
    line.push(waiter)
    if (!isStanding) {
      isStanding = true
      void CancellationScope.nonCancellable(standInLine)
    }
    try {
      await condition(() => waiter.told !== undefined)
    } finally {
      if (line.includes(waiter)) line.splice(line.indexOf(waiter), 1)
    }
    return waiter.told === 'ledger' ? waiter.refusals + 1 : 0
  }

  /** Until nobody waits any more. Never rejects. */
  async function standInLine(): Promise<void> {
    let listed = false
    let isRegistered = false
    for (let turn = 0; line.length > 0; turn += 1) {
      const seen = woken
      const need = leastNeed()
      const place = await ask(need)
      if (place.listed && !listed) listAs('parked')
      listed ||= place.listed
      isRegistered = place.status === 'waiting' || place.status === 'held'
      if (place.status === 'ready') {
        await tellAsMany(place.available, seen)
        turn = -1
        continue
      }
      const [firstMs, mostMs] = patience[place.status]
      await condition(() => woken !== seen || line.length === 0 || leastNeed() < need, backoff(turn, firstMs, mostMs))
      if (woken !== seen && line.length > 0) {
        // It was woken for the step that needs least
        tell(
          line.find((waiter) => waiter.need === leastNeed())!,
          'signal',
        )
        isRegistered = false
        turn = -1
      }
    }
    isStanding = false
    if (listed) listAs(null)
    // Else its place would keep those behind it waiting
    if (isRegistered) await own['tollgate.leaveLine']().catch(() => undefined)
  }

  function leastNeed(): number {
    return Math.min(...line.map(({ need }) => need))
  }

  /** In the order in which they came, as many as are fed. */
  async function tellAsMany(available: number, seen: number): Promise<void> {
    const refusals = Math.max(...line.map((waiter) => waiter.refusals))
    // They were refused though there is enough by the ledger's count: something else stands in the way, and asking at once would ask for ever. Where that is
    // others who try at the same moment, one of them has to be alone for once
    if (refusals > 0) {
      await condition(() => woken !== seen || line.length === 0, backoff(refusals, second, 5 * minute, 1))
    }
    let left = available
    const fed = line.filter(({ need }) => {
      if (need > left) return false
      left -= need
      return true
    })
    for (const waiter of fed) tell(waiter, 'ledger')
  }

  function tell(waiter: Waiter, by: 'ledger' | 'signal'): void {
    waiter.told = by
    line.splice(line.indexOf(waiter), 1)
  }

  /** Without an answer nothing is known. */
  async function ask(need: number): Promise<Place | { readonly status: 'unknown'; readonly listed: false }> {
    try {
      return await own['tollgate.awaitCredits'](need)
    } catch {
      return { status: 'unknown', listed: false }
    }
  }

  /** Steps that the ledger kept waiting try it out together, by one question. */
  async function untilLedger(refusals: number): Promise<void> {
    if (ledger === undefined) {
      ledger = { answers: false }
      void CancellationScope.nonCancellable(() => tryLedger(refusals))
    }
    const mine = ledger
    await condition(() => mine.answers)
  }

  async function tryLedger(refusals: number): Promise<void> {
    for (let turn = refusals; ; turn += 1) {
      await untilWoken(backoff(turn, 5 * second, 5 * minute))
      const answers = await own['tollgate.admit']().then(
        () => true,
        () => false,
      )
      if (!answers) continue
      ledger!.answers = true
      ledger = undefined
      return
    }
  }

  async function untilWoken(patienceMs: number): Promise<void> {
    const seen = woken
    await condition(() => woken !== seen, patienceMs)
  }

  /** The newest reason is shown, and at the end what the workflow itself had to say, unless it has said something else meanwhile. */
  function show(text: string): () => void {
    const showing = getCurrentDetails()
    if (shown.length === 0 || showing !== shown.at(-1)) shown.splice(0, 1, showing)
    shown.push(text)
    setCurrentDetails(text)
    return () => {
      const isOurs = getCurrentDetails() === shown.at(-1)
      shown.splice(shown.lastIndexOf(text), 1)
      if (isOurs) setCurrentDetails(shown.at(-1)!)
      if (shown.length === 1) shown.length = 0
    }
  }

  return { through }
}

/** Doubles each time up to `mostMs`; up to a quarter, or `spread`, is taken off, so that those who were refused together do not come together. */
function backoff(times: number, firstMs: number, mostMs: number, spread = 1 / 4): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(times, 20))
  return Math.ceil(full * (1 - getRandomStream('tollgate.parking').random() * spread))
}
