import { randomUUID } from 'node:crypto'
import { availableOf } from '../credits/balance.ts'
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
  /** What is set aside at such a price when the first work begins of an account that has no more than that and `beside`. */
  setsAside(perMinute: Micro, beside: Micro): Micro
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
/** Less than this is not worth a word of its own. */
const wordMs = 1_000
/** Less than this cannot be worked in. A price at which it costs more than what counts as depleted would leave accounts stuck above it. */
const leastMs = 100
/** Time holds at most this part of what an account has: else what is done in it would find nothing left. */
const mostPart = 8
const wantsCredits: ReadonlySet<Refusal['kind']> = new Set([
  'credits_depleted',
  'insufficient_credits',
  'budget_exhausted',
])

export interface MeterDeps {
  readonly ledger: Pick<Ledger, 'measure' | 'read'>
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
  let closed = false
  return {
    async run(metered) {
      if (closed) return { ok: false, refusal: { kind: 'ledger_unavailable', reason: 'the process ends' } }
      const key = `${metered.accountId}\n${metered.meter}`
      let run = runs.get(key)
      if (run === undefined) {
        run = new Run(deps, metered, () => runs.delete(key))
        runs.set(key, run)
      }
      return run.begin()
    },
    setsAside(perMinute, beside) {
      const most = meteredCost(2 * { ...usualMeterTimes, ...deps.times }.leaseMs, perMinute)
      const least = Math.max(meteredCost(leastMs, perMinute), Math.ceil(beside / (mostPart - 1)))
      return toMicro(Math.min(most, least))
    },
    async close() {
      closed = true
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
  /** Those of them that wait for the ledger's word. */
  #asking = 0
  /** Process time at which work began that goes on, and that the ledger has not heard of. */
  #untoldSinceMs: number | null = null
  /** All work is over, and the ledger has not heard of it; nor of its begin, where `sinceMs` says when that was. Told before anything else is. */
  #unheardEnd: { readonly sinceMs: number | null; readonly stoppedAtMs: number } | null = null
  /** Process time at which the last admitted work ended, while other work waits for the ledger's word. */
  #stoppedAtMs: number | null = null
  /** Tells of the end before its time. */
  #tellEndNow: (() => void) | null = null
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
    this.#tellEndNow?.()
    if (this.#coversAnother) return Promise.resolve(this.#beginUnasked())
    this.#asking += 1
    return this.#next(async () => {
      const { refusal, bug } = await this.#admit().then(
        (refused) => ({ refusal: refused, bug: null }),
        (error: unknown) => ({
          refusal: { kind: 'ledger_unavailable', reason: String(error) } as const,
          // A request that cannot even be sent is a bug, not an outage
          bug: error instanceof RangeError || error instanceof TypeError ? error : null,
        }),
      )
      this.#asking -= 1
      if (refusal !== null) {
        this.#works -= 1
        if (this.#works === 0) await this.#refused()
        if (bug !== null) throw bug
        return { ok: false, refusal }
      }
      this.#stoppedAtMs = null
      this.#beginRenewing()
      return this.#begun()
    })
  }

  /** Nobody runs, and nobody waits for a word any more: what ran meanwhile has ended when it did. */
  async #refused(): Promise<void> {
    if (this.#stoppedAtMs === null) return this.#drop()
    this.#noteEnd(this.#stoppedAtMs)
    await this.#end()
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
    return { ok: true, work: { stop: () => (stopped ??= this.#stop()) } }
  }

  close(): Promise<void> {
    this.#closed = true
    this.#tellEndNow?.()
    return this.#next(async () => {
      const running = this.#works > 0
      this.#works = 0
      if (running) this.#noteEnd(this.#deps.clock.now())
      await this.#end()
      await this.#settleIdle()
    })
  }

  /** null when work may begin. */
  async #admit(): Promise<Refusal | null> {
    if (this.#closed) return { kind: 'ledger_unavailable', reason: 'the process ends' }
    for (let turn = 0; turn < mostTurns; turn += 1) {
      const [{ open }, share] = await this.#look()
      if (open === null) throw new Error(`the meter ${this.#metered.meter} does not run`)
      if (this.#open !== null && isSame(this.#open.segment, open)) return this.#admitTo(this.#open, share)
      const refusal = await this.#hold(open, share)
      if (refusal === null) return this.#admitTo(this.#open!, share)
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
  async #admitTo(open: OpenSegment, share: Micro): Promise<Refusal | null> {
    const { perMinute } = this.#metered
    const left = this.#leftAfter(open, open.segment.ms)
    const enough = Math.min(
      Math.max(share, meteredCost(leastMs, perMinute)),
      meteredCost(this.#times.leaseMs, perMinute),
    )
    if (left >= enough) return null
    const refusal = await this.#extend(open, oneMicro, share)
    // Granted in part, it may not even cover what has run
    if (refusal === null) return this.#leftAfter(open, open.segment.ms) > 0 ? null : { kind: 'credits_depleted' }
    if (!wantsCredits.has(refusal.kind)) return refusal
    // Nothing else is left, and this is set aside for nothing but this run
    return left >= meteredCost(leastMs, perMinute) ? null : refusal
  }

  #leftAfter({ held }: OpenSegment, ms: number): number {
    return less(held, meteredCost(ms, this.#metered.perMinute))
  }

  /** The meter, and how much may be held for it. */
  #look(): Promise<[Measurement, Micro]> {
    return Promise.all([this.#measure('run'), this.#share()])
  }

  /** What may be held of what the account has now. Where that is not known, nothing stands in the way. */
  async #share(): Promise<Micro> {
    const reading = await this.#deps.ledger.read(this.#metered.accountId)
    const available = reading.status === 'loaded' ? availableOf(reading) : Number.MAX_SAFE_INTEGER
    return toMicro(Math.floor(available / mostPart))
  }

  /** Holds what the segment may cost before the next renewals; the amount is the same whoever asks, but for an account that has not much left. */
  async #hold(segment: MeterSegment, share: Micro): Promise<Refusal | null> {
    const { accountId, perMinute, row, levels } = this.#metered
    const { leaseMs } = this.#times
    const minimum = meteredCost(Math.min(leastMs, 2 * leaseMs), perMinute)
    const amount = toMicro(Math.max(minimum, Math.min(share, meteredCost(2 * leaseMs, perMinute))))
    const askedAtMs = this.#deps.clock.now()
    const opened = await this.#deps.gate.open(
      {
        accountId,
        id: this.#idOf(segment),
        amount,
        minimum,
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
  async #extend(open: OpenSegment, atLeast: Micro, share: Micro): Promise<Refusal | null> {
    const { perMinute } = this.#metered
    const { leaseMs } = this.#times
    const missingFor = (ms: number): Micro => less(meteredCost(open.segment.ms + ms, perMinute), open.held)
    // Until the next renewal at least
    const modest = Math.max(share, missingFor(Math.ceil(leaseMs / 3)))
    const missing = toMicro(Math.min(modest, missingFor(2 * leaseMs)))
    const more = missing > atLeast || perMinute === zero ? missing : atLeast
    const answer = await this.#accrue(open, more)
    // Without an answer nothing is known of it
    if (answer.ok || answer.refusal.kind !== 'ledger_unavailable') open.held = answer.held
    return answer.ok ? null : answer.refusal
  }

  /** Should this process die before it settles, the hold's lease ends with what was used. */
  async #accrue(open: OpenSegment, more: Micro): ReturnType<Hold['extend']> {
    const { ms } = open.segment
    const atMs = this.#deps.clock.now()
    const answer = await open.hold.extend({ accrued: meteredCost(ms, this.#metered.perMinute), more })
    // What was not heard has not been told.
    if (answer.ok || answer.refusal.kind !== 'ledger_unavailable') open.accrued = { ms, atMs }
    return answer
  }

  /** That work has begun under a segment that is held for; where it has ended meanwhile, another one is held for if there is enough. */
  async #tell(): Promise<void> {
    if (this.#untoldSinceMs === null || this.#works === 0) return
    const [{ open }, share] = await this.#look()
    if (open !== null && (this.#open === null || !isSame(this.#open.segment, open))) await this.#hold(open, share)
  }

  async #renew(): Promise<void> {
    if (this.#works === 0) return
    const [{ open }, share] = await this.#look()
    if (open === null) return
    if (this.#open !== null && isSame(this.#open.segment, open)) await this.#extend(this.#open, zero, share)
    // At zero the work goes on without a hold: it is settled all the same.
    else await this.#hold(open, share)
  }

  /** Whoever waits for the work hears of its end before the ledger does. */
  #stop(): Promise<void> {
    // Closing ends all of it
    if (this.#closed) return Promise.resolve()
    this.#works -= 1
    if (this.#works > this.#asking) return Promise.resolve()
    const stoppedAtMs = this.#deps.clock.now()
    if (this.#asking > 0) {
      // Who waits for the ledger's word goes on from here, or it was the end.
      this.#stoppedAtMs = stoppedAtMs
      return Promise.resolve()
    }
    this.#noteEnd(stoppedAtMs)
    const told = Promise.withResolvers<void>()
    const tell = (): void => {
      if (this.#tellEndNow !== tell) return
      this.#tellEndNow = null
      told.resolve(this.#next(() => this.#end()))
    }
    this.#tellEndNow = tell
    void this.#deps.clock.sleep(tellAfterMs).then(tell)
    return told.promise
  }

  #noteEnd(stoppedAtMs: number): void {
    this.#unheardEnd = { sinceMs: this.#untoldSinceMs, stoppedAtMs }
    this.#untoldSinceMs = null
    this.#stoppedAtMs = null
  }

  /** Nothing ran: what was looked at for it is not billed. */
  async #drop(): Promise<void> {
    await this.#rest(() => this.#measure('drop'))
  }

  /** This process runs nothing under the meter any more. The next look at it, here or elsewhere, settles the segment. */
  async #end(): Promise<void> {
    if (this.#works > 0) return
    if (this.#unheardEnd !== null) return this.#rest(() => this.#tellEnd())
    // Another step was faster: the ledger has heard of it.
    this.#every(this.#times.lingerMs, () => this.#settleIdle())
  }

  async #rest(ask: () => Promise<Measurement>): Promise<void> {
    this.#stopTimer()
    try {
      const { leases, open } = await ask()
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
    return segment.ms - accrued.ms >= wordMs || this.#deps.clock.now() - accrued.atMs >= this.#times.leaseMs / 3
  }

  /** The ledger has not heard of an end: it is told again, with when it was. */
  #tryAgain(error: unknown): void {
    this.#failed(error)
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

  /**
   * Looks at the meter, and settles what it says has ended. An end that was not heard is told first. That may be its second time: the script then counts nothing twice, since both say when it was.
   */
  async #measure(act: 'run' | 'drop' | 'close'): Promise<Measurement> {
    if (this.#unheardEnd !== null) await this.#tellEnd()
    const sinceMs = act === 'run' ? this.#untoldSinceMs : null
    const measured = await this.#ask(act, (nowMs) => ({
      untoldMs: sinceMs === null ? 0 : Math.max(0, nowMs - sinceMs),
      stoppedAgoMs: 0,
    }))
    if (sinceMs !== null && this.#untoldSinceMs === sinceMs) this.#untoldSinceMs = null
    return measured
  }

  async #tellEnd(): Promise<Measurement> {
    const { sinceMs, stoppedAtMs } = this.#unheardEnd!
    const measured = await this.#ask('stop', (nowMs) => ({
      untoldMs: sinceMs === null ? 0 : Math.max(0, stoppedAtMs - sinceMs),
      stoppedAgoMs: Math.max(0, nowMs - stoppedAtMs),
    }))
    this.#unheardEnd = null
    return measured
  }

  async #ask(
    act: MeasureRequest['act'],
    agesAt: (nowMs: number) => Pick<MeasureRequest, 'untoldMs' | 'stoppedAgoMs'>,
  ): Promise<Measurement> {
    const { accountId, meter } = this.#metered
    const { leaseMs, longestMs } = this.#times
    const safe = this.#safe
    const askedAtMs = this.#deps.clock.now()
    this.#lookedAtMs = 0
    const measured = await this.#deps.ledger.measure({
      accountId,
      meter,
      lease: this.#lease,
      act,
      leaseMs,
      longestMs,
      keptMs,
      ...agesAt(askedAtMs),
      safe,
    })
    this.#lookedAtMs = askedAtMs
    const { open, ended } = measured
    const known = this.#open
    if (known !== null && open !== null && isSame(known.segment, open)) known.segment = open
    // Nobody tells of its end: Redis has lost the meter. What this process knows of it is settled; where another knew more, and was first, that counts.
    else if (known !== null && !ended.some((one) => isSame(one, known.segment))) await this.#settle(known.segment)
    this.#safe = this.#safe.filter((one) => !safe.includes(one))
    for (const segment of ended) {
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
    void this.#next(step).catch((error: unknown) => this.#failed(error))
  }

  #failed(error: unknown): void {
    try {
      this.#deps.onFailure?.(this.#metered.meter, error)
    } catch {
      // Who only listens ends no process, and no step.
    }
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
