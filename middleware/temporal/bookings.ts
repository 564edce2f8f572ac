import { LRUCache } from 'lru-cache'
import type { ChargeId } from '../../credits/charge-id.ts'
import { type Micro, zero } from '../../credits/money.ts'
import type { ReceiptDetail } from '../../credits/receipt.ts'
import type { Refusal } from '../../credits/refusal.ts'
import type { Level } from '../../credits/terms.ts'
import { noQuantities, type UsageRow } from '../../credits/usage-row.ts'
import type { Clock } from '../clock.ts'
import type { Hold, Settlement, Work } from '../gate.ts'
import { type ChargedFor, idOf } from './charge-key.ts'
import type { Charges } from './charges.ts'
import type { Events } from './events.ts'

export interface BookingDeps {
  readonly charges: Pick<Charges, 'open' | 'settle'>
  readonly clock: Pick<Clock, 'sleep' | 'every'>
  readonly events: Pick<Events, 'tell'>
  /** How long credits of a worker that was killed stay set aside. */
  readonly holdMs: number
}

/** Work that is charged once, however many attempts it takes. */
export interface Job extends Omit<ChargedFor, 'ordinal'> {
  readonly name: string
  readonly accountId: string
  readonly amount: Micro
  readonly row: UsageRow
  readonly levels: readonly Level[]
}

export interface Booking {
  /** The work succeeded. Resolves when its charge cannot be lost any more; never rejects. */
  finish(work: Work): Promise<void>
  /** It failed, and costs nothing: the next attempt reserves anew. Never rejects. */
  fail(detail: ReceiptDetail): Promise<void>
}

export interface Bookings {
  /** Sets a job's credits aside. `paid`: an earlier attempt succeeded, though nobody heard of it. */
  open(
    job: Job,
  ): Promise<
    | { readonly status: 'open'; readonly booking: Booking }
    | { readonly status: 'paid' }
    | { readonly status: 'refused'; readonly refusal: Refusal }
  >
  /** Lets a job run that the ledger could not be asked about. */
  unasked(job: Job): Booking
  /** Books what was done without asking first, once per id. Resolves when it cannot be lost any more. */
  record(job: Job, work: Work): Promise<void>
}

const rememberedJobs = 10_000
/** A ledger that does not answer for so long counts as unavailable. */
const patienceMs = 5_000

/**
 * A charge id is spent by its first settlement, also by one of zero, so each attempt that fails spends an ordinal and the next attempt takes the one after it. All
 * workers find the same ordinals: the first that is not spent is open to whoever asks, and one that was charged means that the job is paid. An ordinal whose
 * hold expired may still be settled by a worker that was cut off, so it is first closed at zero; what that worker says later finds it closed, and moves on to the
 * ordinal that is open now.
 */
export function createBookings({ charges, clock, events, holdMs }: BookingDeps): Bookings {
  /** Spares the next attempt the ordinals that were seen to be spent. Forgetting costs a question each. */
  const unspent = new LRUCache<string, number>({ max: rememberedJobs })
  const keyOf = (job: Job): ChargeId => idOf({ ...job, ordinal: 0 })
  const firstUnspent = (job: Job): number => unspent.get(keyOf(job)) ?? 0
  const noteSpent = (job: Job, ordinal: number): void =>
    void unspent.set(keyOf(job), Math.max(firstUnspent(job), ordinal + 1))

  async function open(job: Job): ReturnType<Bookings['open']> {
    const { accountId, amount, row, levels } = job
    for (let ordinal = firstUnspent(job); ; ordinal++) {
      const id = idOf({ ...job, ordinal })
      const answer = await charges.open({ accountId, id, amount, minimum: amount, ttlMs: holdMs, row, levels })
      if (answer.ok) return { status: 'open', booking: held(job, ordinal, answer.hold) }
      if (answer.refusal.kind !== 'already_charged') return { status: 'refused', refusal: answer.refusal }
      if (answer.refusal.charged > 0) return { status: 'paid' }
      const closed = await withinPatience(settleAt(job, ordinal, nothing).settled)
      if (closed === undefined) {
        return { status: 'refused', refusal: { kind: 'ledger_unavailable', reason: 'the ledger does not answer' } }
      }
      if (!isNothing(closed)) return { status: 'paid' }
      noteSpent(job, ordinal)
    }
  }

  function held(job: Job, ordinal: number, hold: Hold): Booking {
    const stopRenewing = clock.every(holdMs / 3, () => void hold.extend({ accrued: zero, more: zero }))
    return {
      finish(work) {
        stopRenewing()
        const { noted, settled } = hold.settle(work)
        void follow(job, ordinal, work, settled)
        return noted
      },
      async fail(detail) {
        stopRenewing()
        noteSpent(job, ordinal)
        const { settled } = hold.settle({ ...nothing, row: job.row, detail })
        // The next attempt may be at another worker within a millisecond, and must not share a hold that is about to end
        await withinPatience(settled)
      },
    }
  }

  function unasked(job: Job): Booking {
    const ordinal = firstUnspent(job)
    return {
      async finish(work) {
        // A reserve without an answer is taken back by the gate, which spends its ordinal: the charge has the next one
        const { noted } = settleAt(job, ordinal, nothing)
        await Promise.all([noted, book(job, ordinal + 1, work)])
      },
      fail: () => Promise.resolve(),
    }
  }

  function settleAt(job: Job, ordinal: number, work: Omit<Work, 'row'> & Partial<Pick<Work, 'row'>>) {
    const { accountId, levels, row } = job
    return charges.settle({ accountId, id: idOf({ ...job, ordinal }), levels, row, ...work })
  }

  function book(job: Job, ordinal: number, work: Work): Promise<void> {
    const { noted, settled } = settleAt(job, ordinal, work)
    void follow(job, ordinal, work, settled)
    return noted
  }

  /** Where another attempt has closed the ordinal at zero meanwhile, this success is booked in the next. */
  async function follow(job: Job, ordinal: number, work: Work, settled: Promise<Charged>): Promise<void> {
    try {
      if (work.actual > 0 && isNothing(await settled)) await book(job, ordinal + 1, work)
    } catch (error) {
      events.tell({ kind: 'settled_late', name: job.name, error })
    }
  }

  async function withinPatience<T>(work: Promise<T>): Promise<T | undefined> {
    return Promise.race([work.catch(() => undefined), clock.sleep(patienceMs).then(() => undefined)])
  }

  return { open, unasked, record: (job, work) => book(job, 0, work) }
}

type Charged = Pick<Settlement, 'charged' | 'uncollected'>

function isNothing({ charged, uncollected }: Charged): boolean {
  return charged === 0 && uncollected === 0
}

const nothing = {
  actual: zero,
  quantities: noQuantities,
  detail: {
    messageId: '',
    task: '',
    purpose: '',
    provider: '',
    pricedAs: '',
    catalogueVersion: '',
    priceVersion: '',
    startedAtMs: 0,
    durationMs: 0,
    outcome: 'abandoned',
    estimated: false,
    lines: [],
  } satisfies ReceiptDetail,
} as const
