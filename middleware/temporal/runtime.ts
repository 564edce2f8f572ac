import type { Info } from '@temporalio/activity'
import type { Catalogue, PricedActivity } from '../../credits/catalogue.ts'
import { type Micro, zero } from '../../credits/money.ts'
import type { Refusal } from '../../credits/refusal.ts'
import type { Charges } from './charges.ts'
import type { Events } from './events.ts'
import { levelsOf, rowOf } from './price-work.ts'
import { WorkRefused } from './refusal-failure.ts'
import type { ActivityNote, Attribution } from './workflow/carried.ts'

export interface RuntimeDeps {
  readonly catalogue: Pick<Catalogue, 'version'>
  /** `compute.runtime`: the price of a minute. */
  readonly entry: PricedActivity
  readonly charges: Pick<Charges, 'meters' | 'waitingRoom'>
  readonly events: Pick<Events, 'tell'>
  readonly whenUnavailable: 'wait' | 'goOn'
}

type Admitted =
  | { readonly ok: true; readonly work: { stop(): Promise<void> } | undefined }
  | { readonly ok: false; readonly refusal: Refusal }

export interface Runtime {
  /** Lets an activity run on its workflow run's time. Throws WorkRefused where it may not run now. */
  during<T>(who: Attribution, info: Info, note: ActivityNote | undefined, run: () => Promise<T>): Promise<T>
  /** What it sets aside when the activity is the first of its run, of an account that has no more than that and `beside`. */
  setsAside(note: ActivityNote | undefined, beside: Micro): Micro
}

/**
 * A workflow run is active while at least one of its activities is under way, local ones included; timers, signals, queues and the time between two attempts are
 * free. An activity without a workflow is a run of its own. Of a run that is billed for being open, activities only may not begin at zero.
 */
export function createRuntime({ catalogue, entry, charges, events, whenUnavailable }: RuntimeDeps): Runtime {
  async function during<T>(
    who: Attribution,
    info: Info,
    note: ActivityNote | undefined,
    run: () => Promise<T>,
  ): Promise<T> {
    const answer = note?.openTime === true ? await admit(who) : await meter(who, info)
    if (!answer.ok) {
      const { refusal } = answer
      if (refusal.kind !== 'ledger_unavailable' || whenUnavailable === 'wait') {
        throw new WorkRefused(refusal)
      }
      events.tell({ kind: 'went_on_unasked', name: entry.name, reason: refusal.reason })
      return run()
    }
    try {
      return await run()
    } finally {
      // Its end is told in the background: the meter of a worker that dies meanwhile stops at its lease
      void answer.work?.stop()
    }
  }

  function setsAside(note: ActivityNote | undefined, beside: Micro): Micro {
    return note?.openTime === true ? zero : charges.meters.setsAside(entry.price, beside)
  }

  async function admit({ account }: Attribution): Promise<Admitted> {
    try {
      if (await charges.waitingRoom.hasCredits(account)) return { ok: true, work: undefined }
      return { ok: false, refusal: { kind: 'credits_depleted' } }
    } catch (error) {
      return { ok: false, refusal: { kind: 'ledger_unavailable', reason: String(error) } }
    }
  }

  function meter(who: Attribution, info: Info): Promise<Admitted> {
    return charges.meters.run({
      accountId: who.account,
      meter: info.workflowExecution?.runId ?? info.activityRunId ?? info.activityId,
      perMinute: entry.price,
      row: rowOf(entry.category, entry.item, who),
      levels: levelsOf(who),
      detail: {
        messageId: who.message,
        task: '',
        purpose: '',
        catalogueVersion: catalogue.version,
        priceVersion: '',
      },
    })
  }

  return { during, setsAside }
}
