import { type Micro, sum, zero } from '../credits/money.ts'
import type { Refusal } from '../credits/refusal.ts'
import type { Began, ExtendAnswer, Ledger, ReserveRequest, Settled, SettleRequest } from '../ledger/ledger.ts'
import type { Clock } from './clock.ts'
import type { Extension, Hold, Reserved, Settlement, Settling, Work } from './gate.ts'
import type { Outbox } from './outbox/outbox.ts'
import { refusalOf } from './refusal-of.ts'
import type { Part } from './tabs.ts'
import type { UnderWay } from './under-way.ts'

/** When a hold was opened. It does not know the hold: tables that a set has outgrown keep what was in them until a major collection. */
export interface Opening {
  readonly atMs: number
}

export interface HoldDeps {
  readonly ledger: Pick<Ledger, 'extend'>
  readonly outbox: Pick<Outbox, 'settle'>
  readonly clock: Pick<Clock, 'now'>
  /** Opens the same hold as another one does. */
  readonly reserve: (request: ReserveRequest) => Promise<Reserved>
  readonly openings: Set<Opening>
  readonly underWay: Pick<UnderWay, 'begin' | 'end'>
}

/** A hold of the ledger, or a part of one that calls like it share. */
export class OpenHold implements Hold {
  granted: Micro
  readonly epoch: number
  readonly #deps: HoldDeps
  readonly #request: ReserveRequest
  readonly #opening: Opening
  #began: Began
  #part: Part | undefined
  #settling: Settling | undefined
  #isOver = false

  constructor(deps: HoldDeps, request: ReserveRequest, granted: Micro, { epoch, windows }: Began, part?: Part) {
    this.#deps = deps
    this.#request = request
    this.granted = granted
    this.epoch = epoch
    this.#began = { epoch, windows }
    this.#part = part
    this.#opening = { atMs: deps.clock.now() }
    deps.openings.add(this.#opening)
    deps.underWay.begin()
  }

  async extend(extension: Extension): ReturnType<Hold['extend']> {
    const answer = await this.#extend(extension)
    if (answer.ok || answer.refusal.kind !== 'ledger_unavailable') this.granted = answer.held
    return answer
  }

  settle(work: Work): Settling {
    if (this.#settling !== undefined) return this.#settling
    this.#deps.openings.delete(this.#opening)
    const { accountId, id, levels } = this.#request
    const request: SettleRequest = { accountId, id, levels, began: this.#began, ...work }
    const part = this.#part
    const { noted, settled } = this.#deps.outbox.settle(request, part && (() => part.settle(work)))
    this.#settling = { noted, settled: settled.then(toSettlement) }
    const over = (): void => this.#over()
    // The outbox has told of a failure and tries again; nobody has to listen.
    this.#settling.settled.then(over, over)
    return this.#settling
  }

  leave(): void {
    this.#deps.openings.delete(this.#opening)
    if (this.#settling !== undefined) return
    this.#part?.giveBack()
    this.#part = undefined
    this.#over()
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#deps.underWay.end()
  }

  async #extend({ accrued, more }: Extension): ReturnType<Hold['extend']> {
    const { accountId, id, ttlMs } = this.#request
    const { granted } = this
    if (this.#part !== undefined) {
      if (more === zero && accrued === zero) {
        await this.#part.renew().catch(() => undefined)
        return { ok: true, held: this.granted }
      }
      // A tab has no place for what one of its calls has accrued, nor more for one of them. A hold whose answer is lost is not released: the id is this
      // call's, which will be settled under it
      const own = await this.#deps.reserve({ ...this.#request, amount: sum([granted, more]), minimum: granted })
      if (!own.ok) return { ...own, held: granted }
      // A call that was settled meanwhile has ended its part
      if (this.#settling === undefined) this.#part?.giveBack()
      this.#part = undefined
      this.#began = { epoch: own.granted.epoch, windows: own.granted.windows }
      if (accrued === zero) return { ok: true, held: own.granted.held }
      more = zero
    }
    const answer = await this.#deps.ledger
      .extend({ accountId, id, accrued, more, ttlMs })
      .catch((error: unknown) => ({ status: 'unavailable' as const, reason: String(error) }))
    if (answer.status === 'extended') return { ok: true, held: answer.held }
    if (answer.status === 'unavailable')
      return { ok: false, refusal: { kind: 'ledger_unavailable', reason: answer.reason }, held: granted }
    return { ok: false, ...refusedExtension(answer, more) }
  }
}

/** A hold that Redis no longer has cannot grow: its settle will adjust what the sweeper or a new life of the account booked. */
function refusedExtension(
  answer: Exclude<ExtendAnswer, { status: 'extended' }>,
  needed: Micro,
): { refusal: Refusal; held: Micro } {
  if (answer.status === 'hold_not_found' || answer.status === 'account_not_loaded') {
    return { refusal: { kind: 'ledger_unavailable', reason: `the hold is gone: ${answer.status}` }, held: 0 as Micro }
  }
  return { refusal: refusalOf(answer, needed), held: answer.held }
}

export const toSettlement = ({ charged, uncollected, epoch }: Settled): Settlement => ({ charged, uncollected, epoch })
