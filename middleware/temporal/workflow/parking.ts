import {
  CancellationScope,
  condition,
  defineSignal,
  getCurrentDetails,
  getRandomStream,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow'
import { resumeSignal } from '../../../credits/parked-run.ts'
import { listAs } from './listing.ts'
import type { OpenTime } from './open-time.ts'
import { own, type Place } from './own-activities.ts'
import { type RefusedStep, refusedStep, type Step } from './refused-step.ts'

/** A step that was refused before, and how often in a row. */
export interface Again extends Step {
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
} as const

const second = 1_000
const minute = 60 * second

/** One line of waiting steps: they wait for credits together. */
interface Line {
  /** Of the step that needs least: once it can go on, so can the run. */
  need: number
  /** Somebody came who needs less. */
  changes: number
  waiting: number
  open: boolean
}

/** For one run of a workflow, from its first moment: a signal that comes early is not lost. */
export function createParking(openTime: OpenTime | undefined): Parking {
  let woken = 0
  let line: Line | undefined
  const shown: string[] = []
  setHandler(defineSignal(resumeSignal), () => void (woken += 1))

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
      const refusals = before?.refusals ?? 0
      await untilCured(refused, refusals)
      return schedule({ activityId: refused.activityId, bornMs: refused.bornMs, refusals: refusals + 1 })
    }
  }

  async function untilCured({ cure, need }: RefusedStep, refusals: number): Promise<void> {
    const hide = show(words[cure])
    const goOn = openTime?.pause()
    try {
      switch (cure) {
        case 'credits':
          return await untilCredits(need, refusals)
        case 'budget':
          return await untilWoken(backoff(refusals, minute, 60 * minute))
        case 'ledger':
          return await untilWoken(backoff(refusals, 5 * second, minute))
      }
    } finally {
      goOn?.()
      hide()
    }
  }

  async function untilCredits(need: number, refusals: number): Promise<void> {
    if (line === undefined) {
      line = { need, changes: 0, waiting: 0, open: false }
      void CancellationScope.nonCancellable(() => standIn(line!, refusals))
    } else if (need < line.need) {
      line.need = need
      line.changes += 1
    }
    const mine = line
    mine.waiting += 1
    try {
      await condition(() => mine.open)
    } finally {
      mine.waiting -= 1
    }
  }

  /** Never rejects. Who was told to go on goes: the ledger wakes no more than the balance feeds. */
  async function standIn(mine: Line, refusals: number): Promise<void> {
    let listed = false
    for (let turn = 0; mine.waiting > 0 || turn === 0; turn += 1) {
      const seen = woken
      const { changes, need } = mine
      const place = await ask(need)
      if (place.listed && !listed) listAs('parked')
      listed ||= place.listed
      const ready = place.status === 'ready'
      // It was refused though there is enough by the ledger's count: something else stands in its way, and asking at once would ask for ever.
      if (ready && refusals === 0) break
      const patience = ready ? backoff(refusals, second, 5 * minute) : backoff(turn, 15 * minute, 12 * 60 * minute)
      await condition(() => woken !== seen || mine.changes !== changes || mine.waiting === 0, patience)
      if (ready || woken !== seen) break
    }
    if (listed) listAs(null)
    mine.open = true
    if (line === mine) line = undefined
  }

  /** Without an answer the run waits, as for one that says so. */
  async function ask(need: number): Promise<Place> {
    try {
      return await own['tollgate.awaitCredits'](need)
    } catch {
      return { status: 'waiting', listed: false }
    }
  }

  async function untilWoken(patienceMs: number): Promise<void> {
    const seen = woken
    await condition(() => woken !== seen, patienceMs)
  }

  /** The newest reason is shown, and at the end what the workflow itself had to say. */
  function show(text: string): () => void {
    if (shown.length === 0) shown.push(getCurrentDetails())
    shown.push(text)
    setCurrentDetails(text)
    return () => {
      shown.splice(shown.lastIndexOf(text), 1)
      setCurrentDetails(shown.at(-1)!)
      if (shown.length === 1) shown.length = 0
    }
  }

  return { through }
}

/** Doubles each time up to `mostMs`; up to a quarter is taken off, so that those who were refused together do not come together. */
function backoff(times: number, firstMs: number, mostMs: number): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(times, 20))
  return Math.round(full * (1 - getRandomStream('tollgate.parking').random() / 4))
}
