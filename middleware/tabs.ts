import { randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type ChargeId, chargeId } from '../credits/charge-id.ts'
import { less, type Micro, toMicro, zero } from '../credits/money.ts'
import type { Began, HoldName, Ledger, ReserveRequest, Settled, SharedCall } from '../ledger/ledger.ts'
import type { Clock } from './clock.ts'

/** Settled in company, or to be settled by itself. */
type Settlement = Settled | { readonly status: 'alone' }

/** A call's part of a tab: as good as a hold of its own. Ended once, by `settle` or `giveBack`. */
export interface Part {
  readonly began: Began
  /** Renews the tab's lease. */
  renew(): Promise<unknown>
  /** Settled with others, some ms from now. `alone`: not at all, and `ledger.settle` has to. Rejects when that is not known. */
  settle(work: Omit<SharedCall, 'id' | 'part'>): Promise<Settlement>
  giveBack(): void
}

export interface Tabs {
  /** A part of the tab that is open for such calls. undefined: the call reserves for itself; when calls follow each other closely, a tab is opened for the next ones. */
  take(request: ReserveRequest): Part | undefined
  /** Gives back what no call uses; those under way end their tabs themselves. */
  close(): Promise<void>
}

export interface TabsDeps {
  readonly ledger: Pick<Ledger, 'reserve' | 'extend' | 'settleTogether'>
  readonly clock: Clock
  /** Gives back a hold whose end was not heard. */
  readonly release: (name: HoldName) => void
}

/** Calls that follow within this time are worth a tab. */
const closelyMs = 50
/** A tab admits calls for so long: that old the ledger's last word on balance, budgets and period may be. */
const longestMs = 250
/** Settlements wait for company for so long, those of all tabs at once: each word to the ledger is a write of its own otherwise, */
const togetherMs = 10
/** or until there are so many. */
const mostTogether = 64
/** What a tab sets aside must be free so many times over beside it, or near zero and near a limit it would take what others need. */
const timesFree = 15
const mostParts = 64
/** After a refusal nobody asks for a tab for so long. */
const restMs = 1_000
const mostMicro = 1_000_000_000_000

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
      const open = [...lines.values()]
      lines.clear()
      await Promise.all(open.map((line) => line.closed()))
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
    const wanted = part === undefined || nowMs - tab!.openedAtMs > longestMs / 2
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
    const tab = this.#tab
    this.retire()
    await this.#opening
    await tab?.ended
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
        const tab = new Tab(this.#deps, this.#teller, { accountId, id, ttlMs }, held, { epoch, windows })
        if (this.#over) return tab.retire()
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

class Tab {
  readonly openedAtMs: number
  /** Resolves when what was left of it is given back. */
  readonly ended: Promise<void>
  /** The most calls at a time. */
  mostOut = 0
  readonly #deps: TabsDeps
  readonly #teller: Teller
  readonly #name: HoldName & { readonly ttlMs: number }
  readonly #began: Began
  readonly #end = Promise.withResolvers<void>()
  /** What no call has a part of, and none has used up. */
  #room: number
  /** Calls with a part. */
  #out = 0
  #waiting: Waiting[] = []
  #retired = false
  /** What the ledger has of it is not known any more: its calls are settled alone. */
  #broken = false
  #over = false

  constructor(deps: TabsDeps, teller: Teller, name: HoldName & { readonly ttlMs: number }, held: Micro, began: Began) {
    this.#deps = deps
    this.#teller = teller
    this.#name = name
    this.#began = began
    this.#room = held
    this.openedAtMs = deps.clock.now()
    this.ended = this.#end.promise
    void deps.clock.sleep(longestMs).then(() => this.retire())
  }

  get isOpen(): boolean {
    return !this.#retired && this.#deps.clock.now() - this.openedAtMs < longestMs
  }

  take({ id, amount }: ReserveRequest): Part | undefined {
    if (amount > this.#room || !this.isOpen) return undefined
    this.#room -= amount
    this.#out += 1
    this.mostOut = Math.max(this.mostOut, this.#out)
    const { accountId, id: tabId, ttlMs } = this.#name
    return {
      began: this.#began,
      renew: () => this.#deps.ledger.extend({ accountId, id: tabId, accrued: zero, more: zero, ttlMs }),
      settle: (work) => this.#settle(id, amount, work),
      giveBack: () => {
        this.#room += amount
        this.#back()
      },
    }
  }

  /** Admits no more calls. */
  retire(): void {
    if (this.#retired) return
    this.#retired = true
    if (this.#out === 0) this.tell()
  }

  #settle(id: ChargeId, part: Micro, work: Omit<SharedCall, 'id' | 'part'>): Promise<Settlement> {
    if (this.#broken) {
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

  /** What waits goes to the ledger now. */
  tell(): void {
    const ends = this.#retired && this.#out === 0
    if (this.#over || (this.#waiting.length === 0 && !ends)) return
    const waiting = this.#waiting
    this.#waiting = []
    if (ends) this.#over = true
    if (this.#broken) {
      this.#deps.release(this.#name)
      return this.#end.resolve()
    }
    void this.#settleTogether(waiting, ends).finally(() => {
      if (ends) this.#end.resolve()
    })
  }

  async #settleTogether(waiting: readonly Waiting[], ends: boolean): Promise<void> {
    const { accountId, id } = this.#name
    try {
      const calls = waiting.map(({ call }) => call)
      const answer = await this.#deps.ledger.settleTogether({ accountId, hold: id, ends, calls })
      if (answer.status !== 'settled') this.#breaks(ends)
      for (const [index, { answer: given }] of waiting.entries())
        given.resolve(answer.status === 'settled' ? answer.calls[index]! : { status: 'alone' })
    } catch (error) {
      for (const { answer: given } of waiting) given.reject(error)
      this.#breaks(ends)
    }
  }

  #breaks(ends: boolean): void {
    this.#broken = true
    for (const { answer } of this.#waiting.splice(0)) answer.resolve({ status: 'alone' })
    if (ends) this.#deps.release(this.#name)
    else this.retire()
  }
}
