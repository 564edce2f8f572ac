import type { Catalogue, PricedActivity } from '../../credits/catalogue.ts'
import type { Clock } from '../clock.ts'
import { birthOfChain } from './birth-of-chain.ts'
import type { Bookings } from './bookings.ts'
import { currentWork } from './current-work.ts'
import type { Events } from './events.ts'
import { levelsOf, priceWork } from './price-work.ts'
import type { CompletedTask } from './workflow/own-activities.ts'

export interface CompleteTaskDeps {
  readonly catalogue: Pick<Catalogue, 'version'>
  readonly entry: PricedActivity
  readonly bookings: Bookings
  readonly clock: Pick<Clock, 'now'>
  readonly events: Pick<Events, 'tell'>
}

/** The local activity that charges for a completed task. The work is done, so nothing is refused: what the balance does not reach is uncollected. */
export function createCompleteTask({ catalogue, entry, bookings, clock, events }: CompleteTaskDeps) {
  return async ({ chain, task }: CompletedTask): Promise<void> => {
    const work = currentWork()
    if (work === undefined) {
      events.tell({ kind: 'unattributed', name: entry.name })
      return
    }
    const { account, organization, employee, messageId, workflowId } = work
    const who = { account, organization, employee, message: messageId }
    const done = priceWork(catalogue, entry, {
      who,
      task: task === '' ? workflowId : task,
      startedAtMs: clock.now(),
      durationMs: 0,
      outcome: 'finished',
    })
    await bookings.record(
      {
        name: entry.name,
        accountId: account,
        bornMs: birthOfChain(chain),
        path: task === '' ? [chain, 'workflow'] : [chain, 'task', task],
        amount: done.actual,
        row: done.row,
        levels: levelsOf(who),
      },
      done,
    )
  }
}
