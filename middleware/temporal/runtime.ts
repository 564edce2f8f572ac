import type { Info } from '@temporalio/activity'
import type { Catalogue, PricedActivity } from '../../credits/catalogue.ts'
import type { Meters } from '../meter.ts'
import type { Events } from './events.ts'
import { levelsOf, rowOf } from './price-work.ts'
import { WorkRefused } from './refusal-failure.ts'
import type { Attribution } from './workflow/carried.ts'

export interface RuntimeDeps {
  readonly catalogue: Pick<Catalogue, 'version'>
  /** `compute.runtime`: the price of a minute. */
  readonly entry: PricedActivity
  readonly meters: Pick<Meters, 'run'>
  readonly events: Pick<Events, 'tell'>
  readonly whenUnavailable: 'wait' | 'goOn'
}

/** Lets an activity run under the meter of its workflow run. Throws WorkRefused where it may not run now. */
export type DuringRuntime = <T>(who: Attribution, info: Info, run: () => Promise<T>) => Promise<T>

/**
 * A workflow run is active while at least one of its activities is under way, local ones included; timers, signals, queues and the time between two attempts are
 * free. An activity without a workflow is a run of its own.
 */
export function createRuntime({ catalogue, entry, meters, events, whenUnavailable }: RuntimeDeps): DuringRuntime {
  return async (who, info, run) => {
    const answer = await meters.run({
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
    if (!answer.ok) {
      const { refusal } = answer
      if (refusal.kind !== 'ledger_unavailable' || whenUnavailable === 'wait')
        throw new WorkRefused(refusal, entry.price)
      events.tell({ kind: 'went_on_unasked', name: entry.name, reason: refusal.reason })
      return run()
    }
    try {
      return await run()
    } finally {
      // Its end is told in the background: the meter of a worker that dies meanwhile stops at its lease
      void answer.work.stop()
    }
  }
}
