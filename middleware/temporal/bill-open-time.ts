import type { Catalogue, PricedActivity } from '../../credits/catalogue.ts'
import { meteredCost } from '../../credits/metered-cost.ts'
import { noQuantities } from '../../credits/usage-row.ts'
import type { Bookings } from './bookings.ts'
import { currentWork } from './current-work.ts'
import type { Events } from './events.ts'
import { detailOf, levelsOf, rowOf } from './price-work.ts'
import type { OwnActivities } from './workflow/own-activities.ts'

export interface BillOpenTimeDeps {
  readonly catalogue: Pick<Catalogue, 'version'>
  /** The price of a minute; undefined: none. */
  readonly entry: PricedActivity | undefined
  readonly bookings: Pick<Bookings, 'record'>
  readonly events: Pick<Events, 'tell'>
}

/** The local activity that charges for time that a run was open. It has passed, so nothing is refused: what the balance does not reach is uncollected. */
export function createBillOpenTime({
  catalogue,
  entry,
  bookings,
  events,
}: BillOpenTimeDeps): OwnActivities['tollgate.billOpenTime'] {
  return async (segments) => {
    if (entry === undefined) return
    const work = currentWork()
    if (work === undefined) {
      events.tell({ kind: 'unattributed', name: entry.name })
      return
    }
    const { account, organization, employee, messageId, runId } = work
    const who = { account, organization, employee, message: messageId }
    for (const { segment, ms, atMs } of segments) {
      const actual = meteredCost(ms, entry.price)
      const row = rowOf(entry.category, entry.item, who)
      const occasion = { who, task: '', startedAtMs: atMs - ms, durationMs: ms, outcome: 'finished' } as const
      const line = { kind: 'runtime', quantity: ms, unit: 'ms', rate: '', amount: actual } as const
      await bookings.record(
        {
          name: entry.name,
          accountId: account,
          // The same in every repetition of a workflow task, as `atMs` is not
          bornMs: work.firstScheduledMs,
          path: [runId, 'open', String(segment)],
          amount: actual,
          row,
          levels: levelsOf(who),
        },
        {
          actual,
          row,
          quantities: { ...noQuantities, units: ms },
          detail: detailOf(catalogue, entry.name, occasion, [line]),
        },
      )
    }
  }
}
