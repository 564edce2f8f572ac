import type { Refusal } from '../../credits/refusal.ts'
import type { ChargeAnswer, ChargeRequest, Ledger, Settled, SettleRequest } from '../../ledger/ledger.ts'
import type { Journal } from '../../journal/journal.ts'
import type { Clock } from '../clock.ts'
import { refusalOf } from '../refusal-of.ts'
import { AccountGone, type AnswerDeps, untilAnswered } from '../until-answered.ts'
import { DueQueue } from './due-queue.ts'
import { type Entry, keyOf, nameOf } from './entry.ts'
import type { OutboxStore, StoreFigures } from './store.ts'

export interface OutboxDeps {
  readonly store: OutboxStore
  readonly ledger: Pick<Ledger, 'settle' | 'charge' | 'identity'>
  readonly journal: Pick<Journal, 'findCharge' | 'settledAmong'>
  readonly loadAccount: (accountId: string) => Promise<'loaded' | 'unknown'>
  readonly clock: Clock
  readonly onEvent?: ((event: OutboxEvent) => void) | undefined
  readonly times?: Partial<OutboxTimes> | undefined
}

export interface OutboxTimes {
  /** How often it looks around: what is due, whether Redis is another, what others left. */
  readonly tickMs: number
  /** The journal is asked for an entry this long after it was noted, then after each of the next; the last one repeats. */
  readonly askAfterMs: readonly number[]
  /** An entry this old that the journal has not got is sent again; each time twice as long until the next, */
  readonly replayAfterMs: number
  /**
   * but no longer than this while the journal answers: that it has not got what the ledger took is the only sign of a loss that no other told of. More when
   * very many wait.
   */
  readonly replayAtLeastEveryMs: number
  /** A replay that meets nothing but outages gives its place to another one. */
  readonly replayPatienceMs: number
  /** How often logs of gone processes are looked for. */
  readonly takeOverEveryMs: number
}

/** The journal is asked three times before a charge is sent again: with 30 s after 3, 10 and 30 s. Less finds a loss sooner, and asks more often. */
export function replayTimes(
  replayAfterMs: number,
): Pick<OutboxTimes, 'askAfterMs' | 'replayAfterMs' | 'replayAtLeastEveryMs'> {
  const thirtieths = (count: number): number => Math.ceil((replayAfterMs * count) / 30)
  return { askAfterMs: [3, 7, 20, 30, 60].map(thirtieths), replayAfterMs, replayAtLeastEveryMs: 2 * replayAfterMs }
}

const usualTimes: OutboxTimes = {
  tickMs: 1_000,
  ...replayTimes(30_000),
  replayPatienceMs: 10_000,
  takeOverEveryMs: 10_000,
}

export type OutboxEvent =
  /** It was sent again, and answered. */
  | { readonly kind: 'replayed'; readonly accountId: string; readonly id: string; readonly status: string }
  /** It could not be sent now; the outbox keeps it. */
  | { readonly kind: 'left_for_later'; readonly accountId: string; readonly id: string; readonly error: unknown }
  /** Redis is another one, or went back in time: everything is sent again. */
  | { readonly kind: 'ledger_changed'; readonly entries: number }
  /** The outbox waits for longer and longer. */
  | { readonly kind: 'journal_away'; readonly error: unknown }
  /** Keeping house failed; it goes on with the next tick. */
  | { readonly kind: 'tend_failed'; readonly error: unknown }

/** Between two processes that die, everything that must reach the ledger: noted on disk, sent until it is answered, kept until the journal has it. */
export interface Outbox {
  /** Why no new work may start, else null: its end could not be noted. */
  trouble(): string | null
  /** Notes a settlement and sends it, the first time by `together` where that is given. Noted or not, it is sent. */
  settle(request: SettleRequest, together?: SettleTogether): SentSettlement
  /**
   * Charges at once, all or nothing. Repeated with the same id, the first answer again. `ledger_unavailable` after `patienceMs` says that nothing is known yet:
   * the outbox goes on, and the same request hears what became of it. After a refusal of any other kind nothing was charged and nothing will be.
   */
  charge(request: ChargeRequest, patienceMs: number): Promise<ChargeOutcome>
  /** A ledger that lost this account has it again, from the journal: what the journal has not got is sent to it now. */
  accountHydrated(accountId: string): void
  figures(): OutboxFigures
  /** Resolves when nothing is being sent. */
  idle(): Promise<void>
  /** Waits for what is being sent, at most `timeoutMs`. The rest is on disk, for the next start; `lost` could not be written. */
  close(timeoutMs: number): Promise<{ readonly left: number; readonly lost: number }>
}

/** Settles it in company of others; `alone`: it has to go by itself. */
export type SettleTogether = () => Promise<Settled | { readonly status: 'alone' }>

export interface SentSettlement {
  /** It survives this process: it is written, or the ledger has answered. Never rejects; while neither is possible, it resolves after some seconds. */
  readonly noted: Promise<void>
  /** The ledger's answer. Rejects when the outbox has to try again later. */
  readonly settled: Promise<Settled>
}

export type ChargeOutcome =
  | { readonly ok: true; readonly settled: Settled }
  | { readonly ok: false; readonly refusal: Refusal }

export interface OutboxFigures extends StoreFigures {
  /** Age of the oldest entry, 0 without any. */
  readonly oldestAgeMs: number
  readonly sending: number
  /** Waiting to be sent again. */
  readonly replays: number
}

type Decided = Exclude<ChargeAnswer, { status: 'ask_journal' } | { status: 'account_not_loaded' }>

/** The journal answers so many in one question. */
const askedAtOnce = 1_000
/** Keeps one tick short when the journal has been away for long. */
const questionsPerTick = 20
/** Replays leave the ledger, and this process, to the calls that are under way. */
const replaysAtOnce = 32
const longestBackOffMs = 30_000
/** A caller is not kept waiting for longer when neither disk nor ledger take the end of its call. */
const unnotedPatienceMs = 5_000
const longestReplayPauseMs = 60 * 60_000
/** Many entries wait when the drain is behind, and are lost to nobody: at most 500 a second are sent again. */
const replaySpacingMs = 2

/** Sends what the store keeps. Takes over what gone processes left before it resolves. */
export async function createOutbox(deps: OutboxDeps): Promise<Outbox> {
  const outbox = new Sender(deps)
  await outbox.start()
  return outbox
}

class Sender implements Outbox {
  readonly #deps: OutboxDeps
  readonly #answerDeps: AnswerDeps
  readonly #times: OutboxTimes
  /** One attempt per id at a time. */
  readonly #underWay = new Map<string, Promise<unknown>>()
  readonly #closing = new AbortController()
  /** An entry climbs from one to the next; it stays on the last. */
  readonly #rungs: readonly DueQueue<Entry>[]
  /** To be asked about now and, if the journal has them not or does not answer, sent again at once. */
  #urgent: Entry[] = []
  readonly #replays: Entry[] = []
  #replaying = 0
  readonly #hydrated = new Set<string>()
  #identity: string | null = null
  #askAgainMs = 0
  #backOffMs = 0
  #takeOverAtMs = 0
  #stopTicking: () => void = () => undefined
  #ticking: Promise<void> | null = null

  constructor(deps: OutboxDeps) {
    const { journal, loadAccount, clock } = deps
    this.#deps = deps
    this.#answerDeps = { loadAccount, clock, findCharge: (accountId, id) => journal.findCharge(accountId, id) }
    this.#times = { ...usualTimes, ...deps.times }
    this.#rungs = this.#times.askAfterMs.map((waitMs) => new DueQueue<Entry>(waitMs))
  }

  async start(): Promise<void> {
    const { store, ledger, clock } = this.#deps
    this.#identity = await ledger.identity().catch(() => null)
    await store.tend()
    await this.#takeOver()
    this.#stopTicking = clock.every(this.#times.tickMs, () => {
      this.#ticking ??= this.#tick().finally(() => (this.#ticking = null))
    })
    this.#ticking = this.#tick().finally(() => (this.#ticking = null))
  }

  trouble(): string | null {
    return this.#deps.store.trouble()
  }

  settle(request: SettleRequest, together?: SettleTogether): SentSettlement {
    const { ledger, clock } = this.#deps
    const { entry, written } = this.#note({ kind: 'settle', request })
    const settled = this.#alone(entry.key, async () => {
      // A settlement that cannot be noted is sent all the same: the work is done.
      await written.catch(() => undefined)
      // Whoever waited for the note goes first
      if (together === undefined) await new Promise((resolve) => setImmediate(resolve))
      const answer = await untilAnswered(
        this.#answerDeps,
        request,
        async (evidence) => {
          const first = together
          together = undefined
          const answered = await first?.()
          return answered === undefined || answered.status === 'alone' ? ledger.settle(request, evidence) : answered
        },
        this.#closing.signal,
      )
      entry.answer = 'given'
      return answer
    }).catch((error: unknown) => {
      this.#leave(entry, error)
      throw error
    })
    const noted = written.catch(() => Promise.race([settled.then(nothing, nothing), clock.sleep(unnotedPatienceMs)]))
    // Whoever waits for it hears of a failure; nobody has to.
    settled.catch(nothing)
    return { noted, settled }
  }

  async charge(request: ChargeRequest, patienceMs: number): Promise<ChargeOutcome> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<ChargeOutcome>((resolve) => {
      timer = setTimeout(() => resolve(refused(notKnownYet('the ledger has not answered in time'))), patienceMs)
    })
    // The outbox goes on when its caller does not wait any more.
    return Promise.race([this.#alone(keyOf(request), () => this.#charge(request)), late]).finally(() =>
      clearTimeout(timer),
    )
  }

  accountHydrated(accountId: string): void {
    this.#hydrated.add(accountId)
  }

  figures(): OutboxFigures {
    const figures = this.#deps.store.figures()
    const { oldestNotedAtMs } = figures
    return {
      ...figures,
      oldestAgeMs: oldestNotedAtMs === null ? 0 : Math.max(0, this.#deps.clock.now() - oldestNotedAtMs),
      sending: this.#underWay.size,
      replays: this.#replays.length + this.#urgent.length,
    }
  }

  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay.values())
  }

  async close(timeoutMs: number): Promise<{ readonly left: number; readonly lost: number }> {
    this.#stopTicking()
    this.#replays.length = 0
    await Promise.race([this.idle(), this.#deps.clock.sleep(timeoutMs)])
    this.#closing.abort(new Error('the process ends'))
    await this.#ticking
    return this.#deps.store.close()
  }

  #note(what: { kind: 'settle'; request: SettleRequest } | { kind: 'charge'; request: ChargeRequest }) {
    const nowMs = this.#deps.clock.now()
    const noted = this.#deps.store.note({ ...what, notedAtMs: nowMs })
    if (noted.entry.sentAtMs === 0) this.#follow(noted.entry, nowMs)
    return noted
  }

  /** From now on the journal is asked for it. */
  #follow(entry: Entry, nowMs: number): void {
    entry.sentAtMs = nowMs
    this.#rungs[0]!.push(entry, nowMs)
  }

  /** Runs `send` once nothing else is under way for this id. */
  #alone<T>(key: string, send: () => Promise<T>): Promise<T> {
    const before = this.#underWay.get(key)
    const sent = before === undefined ? send() : before.then(send, send)
    this.#underWay.set(key, sent)
    const over = (): void => {
      if (this.#underWay.get(key) === sent) this.#underWay.delete(key)
    }
    sent.then(over, over)
    return sent
  }

  async #charge(request: ChargeRequest): Promise<ChargeOutcome> {
    const { store } = this.#deps
    const known = store.entries.get(keyOf(request))
    const before = known === undefined || known.segment === null ? null : await store.read(known)
    if (known !== undefined && before !== null) {
      // An id stands for one amount; and what was accepted once is never refused, whatever the ledger has forgotten since.
      if (before.kind !== 'charge' || before.request.actual !== request.actual) return refused({ kind: 'id_conflict' })
      return this.#sendCharge(known, before.request)
    }
    const { entry, written } = this.#note({ kind: 'charge', request })
    try {
      await written
    } catch (error) {
      // Nothing was sent. Should the line be on disk in spite of all, this note follows it.
      void store.refuse(entry).catch(() => undefined)
      return refused({ kind: 'outbox_unavailable', reason: reasonOf(error) })
    }
    return this.#sendCharge(entry, request)
  }

  async #sendCharge(entry: Entry, request: ChargeRequest): Promise<ChargeOutcome> {
    const { store, ledger } = this.#deps
    let answer: Decided
    try {
      answer = await untilAnswered(
        this.#answerDeps,
        request,
        (evidence) => ledger.charge({ ...request, accepted: entry.accepted || request.accepted }, evidence),
        this.#closing.signal,
      )
    } catch (error) {
      if (error instanceof RangeError || error instanceof TypeError) {
        // A request that the ledger cannot even be sent is a bug, not an outage.
        void store.refuse(entry).catch(() => undefined)
        throw error
      }
      this.#leave(entry, error)
      return refused(notKnownYet(reasonOf(error)))
    }
    return this.#heard(entry, request, answer)
  }

  /** What a charge's answer means for its record: noted before anybody hears of it. */
  async #heard(entry: Entry, request: ChargeRequest, answer: Decided): Promise<ChargeOutcome> {
    const { store } = this.#deps
    try {
      if ('epoch' in answer) {
        entry.answer = 'given'
        if (!entry.accepted) await store.accept(entry)
        return { ok: true, settled: answer }
      }
      if (!entry.accepted) await store.refuse(entry)
      return refused(refusalOf(answer, request.actual))
    } catch (error) {
      return refused({ kind: 'outbox_unavailable', reason: reasonOf(error) })
    }
  }

  #leave(entry: Entry, error: unknown): void {
    if (error instanceof AccountGone) entry.answer = 'no_account'
    this.#deps.onEvent?.({ kind: 'left_for_later', ...nameOf(entry), error })
  }

  async #tick(): Promise<void> {
    const { store, clock, onEvent } = this.#deps
    try {
      await this.#watchLedger()
      if (clock.now() >= this.#takeOverAtMs) await this.#takeOver()
      await this.#ask()
      await store.tend()
    } catch (error) {
      onEvent?.({ kind: 'tend_failed', error })
    }
  }

  async #takeOver(): Promise<void> {
    const { store, clock } = this.#deps
    this.#takeOverAtMs = clock.now() + this.#times.takeOverEveryMs
    for (const entry of await store.takeOver()) {
      this.#follow(entry, clock.now())
      this.#urgent.push(entry)
    }
  }

  async #watchLedger(): Promise<void> {
    const { store, ledger, onEvent } = this.#deps
    const identity = await ledger.identity().catch(() => null)
    if (identity !== null && this.#identity !== null && identity !== this.#identity) {
      onEvent?.({ kind: 'ledger_changed', entries: store.entries.size })
      this.#again(() => true)
    } else if (this.#hydrated.size > 0) {
      const hydrated = new Set(this.#hydrated)
      this.#hydrated.clear()
      this.#again((entry) => hydrated.has(nameOf(entry).accountId))
    }
    this.#identity = identity ?? this.#identity
  }

  #again(concerns: (entry: Entry) => boolean): void {
    for (const entry of this.#deps.store.entries.values()) {
      if (!concerns(entry)) continue
      entry.answer = 'none'
      this.#urgent.push(entry)
    }
  }

  /** Asks the journal about all that is due, and sends again what it should have had by now. */
  async #ask(): Promise<void> {
    const { clock } = this.#deps
    for (let question = 0; question < questionsPerTick; question++) {
      const urgent = this.#urgent.splice(0, askedAtOnce)
      const isAway = clock.now() < this.#askAgainMs
      const due = isAway ? [] : this.#due(askedAtOnce - urgent.length)
      if (urgent.length + due.length === 0) return
      const wanted = [...new Set([...urgent, ...due.map(({ entry }) => entry)])].filter(({ gone }) => !gone)
      const answered = !isAway && (await this.#forgetSettled(wanted))
      const nowMs = clock.now()
      for (const { entry, rung } of due) {
        if (entry.gone) continue
        this.#rungs[Math.min(answered ? rung + 1 : rung, this.#rungs.length - 1)]!.push(entry, nowMs)
        // Without an answer only what the ledger has not got either is known to be missing.
        if (!answered && entry.answer === 'given') continue
        if (nowMs >= entry.sentAtMs + this.#pauseMs(entry, answered)) this.#replay(entry, nowMs)
      }
      for (const entry of urgent) if (!entry.gone) this.#replay(entry, nowMs)
    }
  }

  #due(most: number): { readonly entry: Entry; readonly rung: number }[] {
    const nowMs = this.#deps.clock.now()
    const due: { readonly entry: Entry; readonly rung: number }[] = []
    for (const [rung, queue] of this.#rungs.entries()) {
      for (const entry of queue.take(nowMs, most - due.length)) if (!entry.gone) due.push({ entry, rung })
    }
    return due
  }

  /** false when the journal does not answer; it is asked less often then. */
  async #forgetSettled(entries: readonly Entry[]): Promise<boolean> {
    const { journal, store, clock, onEvent } = this.#deps
    try {
      const asked = entries.map((entry) => ({ ...nameOf(entry), entry }))
      for (const { entry } of await journal.settledAmong(asked)) store.forget(entry)
      this.#backOffMs = 0
      return true
    } catch (error) {
      this.#backOffMs = Math.min(longestBackOffMs, Math.max(1_000, this.#backOffMs * 2))
      this.#askAgainMs = clock.now() + this.#backOffMs
      onEvent?.({ kind: 'journal_away', error })
      return false
    }
  }

  #pauseMs({ answer, notedAtMs, sentAtMs }: Entry, journalAnswers: boolean): number {
    const { replayAfterMs, replayAtLeastEveryMs } = this.#times
    const longestMs =
      journalAnswers && answer !== 'no_account'
        ? Math.max(replayAtLeastEveryMs, this.#deps.store.entries.size * replaySpacingMs)
        : longestReplayPauseMs
    return Math.min(longestMs, Math.max(replayAfterMs, sentAtMs - notedAtMs))
  }

  #replay(entry: Entry, nowMs: number): void {
    entry.sentAtMs = nowMs
    if (entry.queued) return
    entry.queued = true
    this.#replays.push(entry)
    this.#fillReplays()
  }

  #fillReplays(): void {
    while (this.#replaying < replaysAtOnce && !this.#closing.signal.aborted) {
      const entry = this.#replays.shift()
      if (entry === undefined) return
      this.#replaying += 1
      void this.#replayNow(entry).finally(() => {
        entry.queued = false
        this.#replaying -= 1
        this.#fillReplays()
      })
    }
  }

  /** Sends a record again unless it is gone, or its first sending still goes on. */
  async #replayNow(entry: Entry): Promise<void> {
    if (entry.gone || this.#underWay.has(entry.key)) return
    const { store, ledger, onEvent } = this.#deps
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#times.replayPatienceMs)])
    await this.#alone(entry.key, async () => {
      try {
        const record = await store.read(entry)
        if (record === null) return
        const { request } = record
        if (record.kind === 'settle') {
          const { status } = await untilAnswered(
            this.#answerDeps,
            request,
            (evidence) => ledger.settle(request, evidence),
            signal,
          )
          entry.answer = 'given'
          onEvent?.({ kind: 'replayed', ...nameOf(entry), status })
        } else {
          const charge = record.request
          const answer: Decided = await untilAnswered(
            this.#answerDeps,
            charge,
            (evidence) => ledger.charge(charge, evidence),
            signal,
          )
          await this.#heard(entry, charge, answer)
          onEvent?.({ kind: 'replayed', ...nameOf(entry), status: answer.status })
        }
      } catch (error) {
        this.#leave(entry, error)
      }
    })
  }
}

const nothing = (): void => undefined

function refused(refusal: Refusal): ChargeOutcome {
  return { ok: false, refusal }
}

function notKnownYet(reason: string): Refusal {
  return { kind: 'ledger_unavailable', reason }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
