import { randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type ChargeId, chargeId } from '../credits/charge-id.ts'
import { less, type Micro, toMicro, zero } from '../credits/money.ts'
import type {
  Began,
  HoldName,
  Ledger,
  ReserveRequest,
  Settled,
  SettleTogetherAnswer,
  SettleTogetherRequest,
  SharedCall,
} from '../ledger/ledger.ts'
import type { Clock } from './clock.ts'

/** Settled in company, or to be settled by itself. */
type Settlement = Settled | { readonly status: 'alone' }

/** A call's part of a tab: as good as a hold of its own. Ended once, by `settle` or `giveBack`. */
export interface Part {
  readonly began: Began
  /** Renews the tab's lease. */
  renew(): Promise<unknown>
  /** Settled with others, some ms from now. `alone`: not at all, or not known to be, and `ledger.settle` has to. Never rejects. */
  settle(work: Omit<SharedCall, 'id' | 'part'>): Promise<Settlement>
  giveBack(): void
}

export interface Tabs {
  /** A part of the tab that is open for such calls. undefined: the call reserves for itself; when calls follow each other closely, a tab is opened for the next ones. */
  take(request: ReserveRequest): Part | undefined
  /** Gives back what no call uses. Resolves when every tab has ended: calls under way end theirs themselves. */
  close(): Promise<void>
}

export interface TabsDeps {
  readonly ledger: Pick<Ledger, 'reserve' | 'extend' | 'settleTogether'>
  readonly clock: Clock
  /** Gives back a hold whose end was not heard. */
  readonly release: (name: HoldName) => void
  /** From then on nobody waits for a ledger that does not answer. */
  readonly closing: AbortSignal
}

/** Calls that follow within this time are worth a tab. */
const closelyMs = 50
/** A tab admits calls for so long: that old the ledger's last word on balance, budgets and period may be. */
const longestMs = 250
/** Settlements wait for company for so long, those of all tabs at once: each word to the ledger is a write of its own otherwise, */
const togetherMs = 25
/** or until there are so many. */
const mostTogether = 64
/** What a tab sets aside must be free so many times over beside it, or near zero and near a limit it would take what others need. */
const timesFree = 15
const mostParts = 64
/** After a refusal nobody asks for a tab for so long. */
const restMs = 1_000
const mostMicro = 1_000_000_000_000
const firstPauseMs = 50
const longestPauseMs = 2_000

/**
 * Calls of one account that follow each other closely run on a tab: a hold that is reserved ahead of them, and settled for several of them at once. The ledger's
 * rules are those of any hold, asked several times a second instead of with each call; near zero, and near a limit, there are no tabs.
 */
export function createTabs(deps: TabsDeps): Tabs {
  const teller = createTeller(deps.clock)
  const lines = new LRUCache<string, Line>({ max: 10_000, dispose: (line) => line.retire() })
  return {
    take(request) {
      if (request.amount === zero) return undefined
      const key = `${request.accountId}\n${request.levels.join('\n')}`
      let line = lines.get(key)
      if (line === undefined) lines.set(key, (line = new Line(deps, teller)))
      return line.take(request)
    },
    async close() {
      const closed = [...lines.values()].map((line) => line.closed())
      lines.clear()
      await Promise.all(closed)
    },
  }
}

/** The tabs of one account and its budget levels, one after the other. */
class Line {
  readonly #deps: TabsDeps
  readonly #teller: Teller
  #lastAtMs = Number.NEGATIVE_INFINITY
  #restUntilMs = Number.NEGATIVE_INFINITY
  #tab: Tab | null = null
  /** This one, and those before it that have not ended. */
  readonly #tabs = new Set<Tab>()
  #opening: Promise<void> | null = null
  /** For how many calls at a time the next tab is. */
  #parts = 4
  #over = false

  constructor(deps: TabsDeps, teller: Teller) {
    this.#deps = deps
    this.#teller = teller
  }

  take(request: ReserveRequest): Part | undefined {
    const nowMs = this.#deps.clock.now()
    const closely = nowMs - this.#lastAtMs < closelyMs
    this.#lastAtMs = nowMs
    const tab = this.#tab
    const part = tab?.take(request)
    // The next tab is there before this one is over
    const wanted = part === undefined || nowMs - tab!.askedAtMs > longestMs / 2
    if (part === undefined && tab?.isOpen === true) this.#parts = Math.min(mostParts, 2 * this.#parts)
    if (wanted && closely && this.#opening === null && nowMs >= this.#restUntilMs && !this.#over)
      this.#opening = this.#open(request, nowMs).finally(() => (this.#opening = null))
    return part
  }

  retire(): void {
    this.#over = true
    this.#tab?.retire()
    this.#tab = null
  }

  async closed(): Promise<void> {
    this.retire()
    await this.#opening
    await Promise.all([...this.#tabs].map(({ ended }) => ended))
  }

  async #open(request: ReserveRequest, nowMs: number): Promise<void> {
    const { ledger, release, clock } = this.#deps
    const { accountId, ttlMs, row, levels } = request
    if (this.#tab !== null) this.#parts = Math.max(2, Math.min(mostParts, 2 * this.#tab.mostOut))
    const amount = request.amount * this.#parts
    if (amount * timesFree > mostMicro) return
    const id = chargeId(nowMs, randomUUID())
    const limits = { amount: toMicro(amount), minimum: toMicro(amount), beside: toMicro(amount * timesFree) }
    try {
      const answer = await ledger.reserve({ accountId, id, ttlMs, row, levels, ...limits })
      if (answer.status === 'created') {
        const { held, epoch, windows } = answer
        const tab = new Tab(this.#deps, this.#teller, { accountId, id, ttlMs, askedAtMs: nowMs, held, epoch, windows })
        this.#tabs.add(tab)
        void tab.ended.then(() => this.#tabs.delete(tab))
        if (this.#over || !tab.isOpen) return tab.retire()
        this.#tab?.retire()
        this.#tab = tab
        return
      }
      this.#parts = Math.max(2, Math.floor(this.#parts / 2))
    } catch {
      // It may be there all the same
      release({ accountId, id })
    }
    this.#restUntilMs = clock.now() + restMs
  }
}

/** Has tabs tell what waits in them, all in one turn of the event loop. */
interface Teller {
  soon(tab: Tab): void
}

function createTeller(clock: Clock): Teller {
  let tabs = new Set<Tab>()
  return {
    soon(tab) {
      if (tabs.size === 0)
        void clock.sleep(togetherMs).then(() => {
          const ready = tabs
          tabs = new Set()
          for (const one of ready) one.tell()
        })
      tabs.add(tab)
    },
  }
}

interface Waiting {
  readonly call: SharedCall
  readonly answer: PromiseWithResolvers<Settlement>
}

/** A hold as it was granted, and when the ledger was asked for it. */
interface Opened extends HoldName, Began {
  readonly ttlMs: number
  readonly askedAtMs: number
  readonly held: Micro
}

class TabPart implements Part {
  readonly began: Began
  readonly #tab: Tab
  readonly #id: ChargeId
  readonly #amount: Micro

  constructor(tab: Tab, began: Began, id: ChargeId, amount: Micro) {
    this.began = began
    this.#tab = tab
    this.#id = id
    this.#amount = amount
  }

  renew(): Promise<void> {
    return this.#tab.renew()
  }

  settle(work: Omit<SharedCall, 'id' | 'part'>): Promise<Settlement> {
    return this.#tab.settle(this.#id, this.#amount, work)
  }

  giveBack(): void {
    this.#tab.giveBack(this.#amount)
  }
}

class Tab {
  /** The ledger's last word may be as old as this. */
  readonly askedAtMs: number
  /** Resolves when what was left of it is given back. */
  readonly ended: Promise<void>
  /** The most calls at a time. */
  mostOut = 0
  readonly #deps: TabsDeps
  readonly #teller: Teller
  readonly #opened: Opened
  readonly #end = Promise.withResolvers<void>()
  #leaseEndsMs: number
  /** What no call has a part of, and none has used up. */
  #room: number
  /** Calls with a part. */
  #out = 0
  /** Their parts, and those of calls whose settlement was not heard yet: what the ledger must keep. */
  #owed = 0
  #waiting: Waiting[] = []
  #retired = false
  /** What the ledger has of it is not known any more: its calls are settled alone. */
  #broken = false
  #over = false

  constructor(deps: TabsDeps, teller: Teller, opened: Opened) {
    this.#deps = deps
    this.#teller = teller
    this.#opened = opened
    this.#room = opened.held
    this.askedAtMs = opened.askedAtMs
    this.#leaseEndsMs = opened.askedAtMs + opened.ttlMs
    this.ended = this.#end.promise
    void deps.clock.sleep(longestMs).then(() => this.retire())
  }

  get isOpen(): boolean {
    return !this.#retired && this.#deps.clock.now() - this.askedAtMs < longestMs
  }

  take({ id, amount }: ReserveRequest): Part | undefined {
    if (amount > this.#room || !this.isOpen) return undefined
    this.#room -= amount
    this.#owed += amount
    this.#out += 1
    this.mostOut = Math.max(this.mostOut, this.#out)
    return new TabPart(this, this.#opened, id, amount)
  }

  /** Admits no more calls, and keeps no more than those under way may need: however long they take, the rest is there for others. */
  retire(): void {
    if (this.#retired) return
    this.#retired = true
    this.#send()
  }

  /** What waits goes to the ledger now. */
  tell(): void {
    if (this.#waiting.length > 0 || (this.#retired && this.#owed === 0)) this.#send()
  }

  async renew(): Promise<void> {
    const { ledger, clock } = this.#deps
    const { accountId, id, ttlMs } = this.#opened
    const askedAtMs = clock.now()
    const { status } = await ledger.extend({ accountId, id, accrued: zero, more: zero, ttlMs })
    if (status === 'extended') this.#leaseEndsMs = Math.max(this.#leaseEndsMs, askedAtMs + ttlMs)
  }

  giveBack(part: Micro): void {
    this.#room += part
    this.#owed -= part
    this.#back()
  }

  settle(id: ChargeId, part: Micro, work: Omit<SharedCall, 'id' | 'part'>): Promise<Settlement> {
    if (this.#broken) {
      this.#owed -= part
      this.#back()
      return Promise.resolve({ status: 'alone' })
    }
    const answer = Promise.withResolvers<Settlement>()
    this.#waiting.push({ call: { id, part, ...work }, answer })
    // The ledger's part is as much smaller as this one takes of it
    if (work.actual < part) this.#room += less(part, work.actual)
    this.#back()
    return answer.promise
  }

  #back(): void {
    this.#out -= 1
    if ((this.#retired && this.#out === 0) || this.#waiting.length >= mostTogether) return this.tell()
    if (this.#waiting.length > 0) this.#teller.soon(this)
  }

  #send(): void {
    if (this.#over) return
    const waiting = this.#waiting.splice(0)
    const told = waiting.reduce((total, { call }) => total + call.part, 0)
    // It ends when nothing is unheard: the hold would be gone when that is told again
    const keeps = this.#retired ? toMicro(this.#owed - told) : undefined
    const ends = keeps === zero
    this.#over = ends
    if (this.#broken) return ends ? this.#leave() : undefined
    void this.#settleTogether(waiting, keeps).then(() => {
      this.#owed -= told
      if (ends) this.#end.resolve()
      else if (this.#retired) this.tell()
    })
  }

  async #settleTogether(waiting: readonly Waiting[], keeps: Micro | undefined): Promise<void> {
    const { accountId, id } = this.#opened
    const calls = waiting.map(({ call }) => call)
    try {
      const answer = await this.#untilHeard({ accountId, hold: id, keeps, calls })
      for (const [index, { answer: given }] of waiting.entries())
        given.resolve(answer.status === 'settled' ? answer.calls[index]! : { status: 'alone' })
      if (answer.status !== 'settled') this.#breaks(keeps)
    } catch {
      // Also when one of them cannot be sent at all: alone, each says by itself whether it is the one
      for (const { answer: given } of waiting) given.resolve({ status: 'alone' })
      // A surplus that was not given back goes with the next word
      if (calls.length > 0 || keeps === zero) this.#breaks(keeps)
    }
  }

  /** Told again while the lease lasts: settled alone, its calls would find that the tab still holds what they need. */
  async #untilHeard(request: SettleTogetherRequest): Promise<SettleTogetherAnswer> {
    const { ledger, clock, closing } = this.#deps
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, 2 * pauseMs)) {
      try {
        return await ledger.settleTogether(request)
      } catch (error) {
        const outage = error instanceof Error && error.name.endsWith('Unavailable')
        const paysNoMore = clock.now() + pauseMs >= this.#leaseEndsMs || closing.aborted
        if (!outage || request.calls.length === 0 || paysNoMore) throw error
      }
      // Without an answer from the ledger it admits nobody
      this.retire()
      await clock.sleep(pauseMs)
    }
  }

  #breaks(keeps: Micro | undefined): void {
    this.#broken = true
    for (const { call, answer } of this.#waiting.splice(0)) {
      this.#owed -= call.part
      answer.resolve({ status: 'alone' })
    }
    if (keeps === zero) this.#leave()
    else this.retire()
  }

  /** What it still has is not needed any more. */
  #leave(): void {
    this.#deps.release(this.#opened)
    this.#end.resolve()
  }
}
