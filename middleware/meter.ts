import { randomUUID } from 'node:crypto'
import { chargeId, type ChargeId } from '../credits/charge-id.ts'
import { meteredCost } from '../credits/metered-cost.ts'
import { less, type Micro, toMicro, zero } from '../credits/money.ts'
import type { ReceiptDetail } from '../credits/receipt.ts'
import type { Refusal } from '../credits/refusal.ts'
import type { Level } from '../credits/terms.ts'
import { noQuantities, type UsageRow } from '../credits/usage-row.ts'
import type { Ledger, MeasureRequest, Measurement, MeterSegment } from '../ledger/ledger.ts'
import type { Clock } from './clock.ts'
import type { Gate, Hold } from './gate.ts'

/** What is metered, and in whose name. The same meter has the same price and row wherever it runs. */
export interface Metered {
  readonly accountId: string
  /** What runs: a workflow run. 1–64 characters from [A-Za-z0-9_-]. */
  readonly meter: string
  readonly perMinute: Micro
  readonly row: UsageRow
  readonly levels: readonly Level[]
  /** What its receipts tell beside the time: `startedAtMs`, `durationMs`, outcome and lines are the meter's. */
  readonly detail: Pick<ReceiptDetail, 'messageId' | 'task' | 'purpose' | 'catalogueVersion' | 'priceVersion'>
}

/** A piece of work under a meter. */
export interface MeteredWork {
  /** Its end: free time begins, unless other work runs on. Never rejects, and nobody needs to wait. */
  stop(): Promise<void>
}

export type Metering =
  | { readonly ok: true; readonly work: MeteredWork }
  | { readonly ok: false; readonly refusal: Refusal }

export interface Meters {
  /** Before work begins. Refused when there is nothing left to run on; `ledger_unavailable` when that cannot be known. */
  run(metered: Metered): Promise<Metering>
  /** Ends what still runs and settles it, as far as the ledger answers. */
  close(): Promise<void>
}

export interface MeterTimes {
  /** A worker that dies is billed for no longer than this after its last renewal, which comes three times as often. */
  readonly leaseMs: number
  /** A receipt for each so much time, at the least often. */
  readonly longestMs: number
  /** Work that follows within this time is on the same receipt. Shorter than a lease. */
  readonly lingerMs: number
}

export const usualMeterTimes: MeterTimes = { leaseMs: 30_000, longestMs: 300_000, lingerMs: 5_000 }

/** Long after its holds have expired, a segment that nobody settled is told no more. */
const keptMs = 86_400_000
/** A segment can end between a look at the meter and its hold; twice in a row means that something is wrong. */
const mostTurns = 3
/** Who asks for nothing does not hear that nothing is left. */
const oneMicro = toMicro(1)
/** The ledger hears of work's begin and end so much later, and when that was: nobody waits for it, and of short work it hears once. */
const tellAfterMs = 5
/** Less than this cannot be worked in, and is not worth a word of its own. */
const leastMs = 1_000
const wantsCredits: ReadonlySet<Refusal['kind']> = new Set([
  'credits_depleted',
  'insufficient_credits',
  'budget_exhausted',
])

export interface MeterDeps {
  readonly ledger: Pick<Ledger, 'measure'>
  readonly gate: Pick<Gate, 'open' | 'settle'>
  readonly clock: Clock
  readonly times?: Partial<MeterTimes>
  /** A renewal or an end that the ledger did not hear: the next one makes up for it, or the lease ends by itself. */
  readonly onFailure?: (meter: string, error: unknown) => void
}

/**
 * Bills time while something runs, on however many machines: the ledger measures the union, a hold per segment pays for it. What dies stops at its lease; what
 * is at zero finishes what it does (beyond the balance it is uncollected), and nothing new begins.
 */
export function createMeters(deps: MeterDeps): Meters {
  const runs = new Map<string, Run>()
  return {
    async run(metered) {
      const key = `${metered.accountId}\n${metered.meter}`
      let run = runs.get(key)
      if (run === undefined) {
        run = new Run(deps, metered, () => runs.delete(key))
        runs.set(key, run)
      }
      return run.begin()
    },
    async close() {
      await Promise.all([...runs.values()].map((run) => run.close()))
    },
  }
}

interface OpenSegment {
  /** As it was last looked at. */
  segment: MeterSegment
  readonly hold: Hold
  held: Micro
  /** What the ledger would charge if nobody settled it, as time; and process time at which it was told so, and the deadline renewed. */
  accrued: { readonly ms: number; readonly atMs: number }
}

/** One meter as far as this process runs under it: one lease, however much work there is. Its steps go one at a time. */
class Run {
  readonly #deps: MeterDeps
  readonly #metered: Metered
  readonly #times: MeterTimes
  readonly #lease = randomUUID()
  readonly #gone: () => void
  #turn: Promise<unknown> = Promise.resolve()
  /** Steps that have not come to their end. */
  #steps = 0
  #works = 0
  /** Process time at which work began that the ledger has not heard of. */
  #untoldSinceMs: number | null = null
  /** Tells that all work is over, when that has not been told yet. */
  #untoldEnd: (() => void) | null = null
  /** Process time at which the ledger was last asked; 0 when it has not answered. */
  #lookedAtMs = 0
  #closed = false
  #open: OpenSegment | null = null
  #safe: MeterSegment[] = []
  #stopTicking: () => void = () => undefined
  #renews = false

  constructor(deps: MeterDeps, metered: Metered, gone: () => void) {
    this.#deps = deps
    this.#metered = metered
    this.#times = { ...usualMeterTimes, ...deps.times }
    this.#gone = gone
  }

  begin(): Promise<Metering> {
    this.#works += 1
    this.#untoldEnd?.()
    if (this.#coversAnother) return Promise.resolve(this.#beginUnasked())
    return this.#next(async () => {
      const refusal = await this.#admit().catch((error: unknown): Refusal => {
        // A request that cannot even be sent is a bug, not an outage
        if (error instanceof RangeError || error instanceof TypeError) throw error
        return { kind: 'ledger_unavailable', reason: String(error) }
      })
      if (refusal !== null) {
        this.#works -= 1
        if (this.#works === 0) await this.#drop()
        return { ok: false, refusal }
      }
      this.#beginRenewing()
      return this.#begun()
    })
  }

  /** The ledger has answered to all that it was told, and what is held covers another lease: nobody needs to wait for it. */
  get #coversAnother(): boolean {
    const open = this.#open
    if (this.#closed || open === null || this.#steps > 0) return false
    const { leaseMs } = this.#times
    const sinceMs = this.#deps.clock.now() - this.#lookedAtMs
    if (sinceMs < 0 || sinceMs > leaseMs) return false
    return this.#leftAfter(open, open.segment.ms + sinceMs) >= meteredCost(leaseMs, this.#metered.perMinute)
  }

  /** At the cost of the ledger's word: should the segment have ended elsewhere, at zero, this one piece of work is done and not paid for. */
  #beginUnasked(): Metering {
    if (this.#works === 1) {
      this.#untoldSinceMs = this.#deps.clock.now()
      this.#beginRenewing()
      void this.#deps.clock.sleep(tellAfterMs).then(() => this.#inBackground(() => this.#tell()))
    }
    return this.#begun()
  }

  #begun(): Metering {
    let stopped: Promise<void> | undefined
    // After whoever waits for the work has heard of its end
    return { ok: true, work: { stop: () => (stopped ??= this.#stop()) } }
  }

  close(): Promise<void> {
    this.#closed = true
    this.#untoldEnd?.()
    return this.#next(async () => {
      this.#works = 0
      await this.#end(this.#deps.clock.now())
      await this.#settleIdle()
    })
  }

  /** null when work may begin. */
  async #admit(): Promise<Refusal | null> {
    if (this.#closed) return { kind: 'ledger_unavailable', reason: 'the process ends' }
    for (let turn = 0; turn < mostTurns; turn += 1) {
      const measured = await this.#measure('run')
      const { open } = measured
      if (open === null) throw new Error(`the meter ${this.#metered.meter} does not run`)
      if (this.#open !== null && isSame(this.#open.segment, open)) return this.#admitTo(this.#open)
      const refusal = await this.#hold(open)
      if (refusal === null) return this.#admitTo(this.#open!)
      // A process of another version holds for it, at its own price or lease: the segment is settled all the same.
      if (refusal.kind === 'id_conflict') return null
      // Its hold has come to an end under a meter that goes on: another segment begins.
      if (refusal.kind !== 'already_charged') return refusal
      await this.#measure('drop')
      await this.#measure('close')
    }
    return { kind: 'ledger_unavailable', reason: 'the segments of the meter keep ending' }
  }

  /** More work in a segment that is held for: null when it may begin. */
  async #admitTo(open: OpenSegment): Promise<Refusal | null> {
    const { perMinute } = this.#metered
    const left = this.#leftAfter(open, open.segment.ms)
    if (left >= meteredCost(this.#times.leaseMs, perMinute)) return null
    const refusal = await this.#extend(open, oneMicro)
    if (refusal === null || !wantsCredits.has(refusal.kind)) return refusal
    // Nothing else is left, and this is set aside for nothing but this run
    return left >= meteredCost(leastMs, perMinute) ? null : refusal
  }

  #leftAfter({ held }: OpenSegment, ms: number): number {
    return less(held, meteredCost(ms, this.#metered.perMinute))
  }

  /** Holds what the segment may cost before the next renewals; the amount is the same whoever asks. */
  async #hold(segment: MeterSegment): Promise<Refusal | null> {
    // Nobody has told that it ended: Redis has lost the meter. What this process knows of it is settled; where another knows more, and was first, that counts.
    if (this.#open !== null) await this.#settle(this.#open.segment)
    const { accountId, perMinute, row, levels } = this.#metered
    const { leaseMs } = this.#times
    const amount = meteredCost(2 * leaseMs, perMinute)
    const askedAtMs = this.#deps.clock.now()
    const opened = await this.#deps.gate.open(
      {
        accountId,
        id: this.#idOf(segment),
        amount,
        minimum: meteredCost(Math.min(leastMs, 2 * leaseMs), perMinute),
        ttlMs: 2 * leaseMs,
        row,
        levels,
      },
      { shared: true },
    )
    if (!opened.ok) return opened.refusal
    this.#open = { segment, hold: opened.hold, held: opened.hold.granted, accrued: { ms: 0, atMs: askedAtMs } }
    return null
  }

  /** Tells what has run, and holds for what may run until the renewal after next. Other workers may hold for the same time: the sum is returned at the end. */
  async #extend(open: OpenSegment, atLeast: Micro): Promise<Refusal | null> {
    const { perMinute } = this.#metered
    const missing = less(meteredCost(open.segment.ms + 2 * this.#times.leaseMs, perMinute), open.held)
    const more = missing > atLeast || perMinute === zero ? missing : atLeast
    const answer = await this.#accrue(open, more)
    // Without an answer nothing is known of it
    if (answer.ok || answer.refusal.kind !== 'ledger_unavailable') open.held = answer.held
    return answer.ok ? null : answer.refusal
  }

  /** Should this process die before it settles, the hold's lease ends with what was used. */
  #accrue(open: OpenSegment, more: Micro): ReturnType<Hold['extend']> {
    const { ms } = open.segment
    open.accrued = { ms, atMs: this.#deps.clock.now() }
    return open.hold.extend({ accrued: meteredCost(ms, this.#metered.perMinute), more })
  }

  /** That work has begun under a segment that is held for; where it has ended meanwhile, another one is held for if there is enough. */
  async #tell(): Promise<void> {
    if (this.#untoldSinceMs === null || this.#works === 0) return
    const { open } = await this.#measure('run')
    if (open !== null && (this.#open === null || !isSame(this.#open.segment, open))) await this.#hold(open)
  }

  async #renew(): Promise<void> {
    if (this.#works === 0) return
    const { open } = await this.#measure('run')
    if (open === null) return
    if (this.#open !== null && isSame(this.#open.segment, open)) await this.#extend(this.#open, zero)
    // At zero the work goes on without a hold: it is settled all the same.
    else await this.#hold(open)
  }

  /** Whoever waits for the work hears of its end before the ledger does. */
  #stop(): Promise<void> {
    // Closing ends all of it
    if (this.#closed) return Promise.resolve()
    this.#works -= 1
    if (this.#works > 0) return Promise.resolve()
    const stoppedAtMs = this.#deps.clock.now()
    const told = Promise.withResolvers<void>()
    const tell = (): void => {
      if (this.#untoldEnd !== tell) return
      this.#untoldEnd = null
      told.resolve(this.#next(() => this.#end(stoppedAtMs)))
    }
    this.#untoldEnd = tell
    void this.#deps.clock.sleep(tellAfterMs).then(tell)
    return told.promise
  }

  /** Nothing ran: what was looked at for it is not billed. */
  async #drop(): Promise<void> {
    this.#stopTimer()
    await this.#measure('drop').catch((error: unknown) => this.#deps.onFailure?.(this.#metered.meter, error))
    this.#leave()
  }

  /** This process runs nothing under the meter any more. The next look at it, here or elsewhere, settles the segment. */
  async #end(stoppedAtMs: number): Promise<void> {
    this.#stopTimer()
    try {
      const { leases, open } = await this.#measure('stop', stoppedAtMs)
      if (leases === 0 && open !== null) {
        // At zero there may be no hold
        if (this.#open !== null && this.#isWorthAWord(this.#open)) await this.#accrue(this.#open, zero)
        this.#every(this.#times.lingerMs, () => this.#settleIdle())
        return
      }
    } catch (error) {
      this.#tryAgain(error)
      return
    }
    this.#leave()
  }

  #isWorthAWord({ segment, accrued }: OpenSegment): boolean {
    return segment.ms - accrued.ms >= leastMs || this.#deps.clock.now() - accrued.atMs >= this.#times.leaseMs / 3
  }

  /** The ledger has not heard of an end: its lease ends by itself, and somebody has to ask what it came to. */
  #tryAgain(error: unknown): void {
    this.#deps.onFailure?.(this.#metered.meter, error)
    if (this.#closed) this.#leave()
    else this.#every(Math.ceil(this.#times.leaseMs / 3), () => this.#settleIdle())
  }

  /** Ends the segment unless work has come, here or elsewhere. */
  async #settleIdle(): Promise<void> {
    if (this.#works > 0) return
    this.#stopTimer()
    try {
      await this.#measure('close')
      // The meter hears that it is safe, and forgets it.
      if (this.#safe.length > 0) await this.#measure('close')
    } catch (error) {
      this.#tryAgain(error)
      return
    }
    this.#leave()
  }

  /** Looks at the meter, and settles what it says has ended. */
  async #measure(act: MeasureRequest['act'], stoppedAtMs?: number): Promise<Measurement> {
    const { accountId, meter } = this.#metered
    const { leaseMs, longestMs } = this.#times
    const safe = this.#safe
    const askedAtMs = this.#deps.clock.now()
    this.#lookedAtMs = 0
    const tells = this.#untoldSinceMs !== null && (act === 'run' || act === 'stop')
    const measured = await this.#deps.ledger.measure({
      accountId,
      meter,
      lease: this.#lease,
      act,
      leaseMs,
      longestMs,
      keptMs,
      untoldMs: tells ? Math.max(0, (stoppedAtMs ?? askedAtMs) - this.#untoldSinceMs!) : 0,
      stoppedAgoMs: Math.max(0, askedAtMs - (stoppedAtMs ?? askedAtMs)),
      safe,
    })
    if (tells) this.#untoldSinceMs = null
    this.#lookedAtMs = askedAtMs
    const { open } = measured
    if (this.#open !== null && open !== null && isSame(this.#open.segment, open)) this.#open.segment = open
    this.#safe = this.#safe.filter((one) => !safe.includes(one))
    for (const segment of measured.ended) {
      await this.#settle(segment)
      this.#safe.push(segment)
    }
    return measured
  }

  async #settle(segment: MeterSegment): Promise<void> {
    const { accountId, perMinute, row, levels, detail } = this.#metered
    const id = this.#idOf(segment)
    if (this.#open !== null && isSame(this.#open.segment, segment)) this.#leaveHold()
    const actual = meteredCost(segment.ms, perMinute)
    const line = { kind: 'runtime', quantity: segment.ms, unit: 'ms', rate: '', amount: actual }
    const { noted } = this.#deps.gate.settle({
      accountId,
      id,
      actual,
      row,
      quantities: { ...noQuantities, units: segment.ms },
      levels,
      detail: {
        ...detail,
        provider: '',
        pricedAs: '',
        startedAtMs: segment.bornMs,
        durationMs: segment.ms,
        outcome: 'finished',
        estimated: false,
        lines: [line],
      },
    })
    await noted
  }

  #idOf({ number, bornMs }: MeterSegment): ChargeId {
    return chargeId(bornMs, `${this.#metered.meter}-${number}`)
  }

  #leaveHold(): void {
    this.#open?.hold.leave()
    this.#open = null
  }

  #leave(): void {
    this.#leaveHold()
    if (this.#works === 0) this.#gone()
  }

  /** From the first piece of work to the last: those that come in between do not put the next renewal off. */
  #beginRenewing(): void {
    if (this.#renews) return
    this.#every(Math.ceil(this.#times.leaseMs / 3), () => this.#renew())
    this.#renews = true
  }

  #stopTimer(): void {
    this.#stopTicking()
    this.#renews = false
  }

  #every(ms: number, step: () => Promise<void>): void {
    this.#stopTimer()
    this.#stopTicking = this.#deps.clock.every(ms, () => this.#inBackground(step))
  }

  #inBackground(step: () => Promise<void>): void {
    void this.#next(step).catch((error: unknown) => this.#deps.onFailure?.(this.#metered.meter, error))
  }

  #next<T>(step: () => Promise<T>): Promise<T> {
    this.#steps += 1
    const turn = this.#turn.then(step).finally(() => (this.#steps -= 1))
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

function isSame(one: MeterSegment, other: MeterSegment): boolean {
  return one.number === other.number && one.bornMs === other.bornMs
}
