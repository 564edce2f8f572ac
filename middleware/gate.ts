import type { Micro } from '../credits/money.ts'
import type { ReceiptDetail } from '../credits/receipt.ts'
import type { Refusal } from '../credits/refusal.ts'
import type { Quantities, UsageRow } from '../credits/usage-row.ts'
import type {
  Evidence,
  FoundCharge,
  HoldName,
  Ledger,
  ReserveAnswer,
  ReserveRequest,
  SettleRequest,
} from '../ledger/ledger.ts'
import type { Clock } from './clock.ts'
import type { Outbox } from './outbox/outbox.ts'
import { type HoldDeps, OpenHold, type Opening, toSettlement } from './open-hold.ts'
import { refusalOf } from './refusal-of.ts'
import { createTabs } from './tabs.ts'
import { createUnderWay } from './under-way.ts'

export interface GateDeps {
  readonly ledger: Pick<Ledger, 'reserve' | 'extend' | 'release' | 'settleTogether'>
  /** Everything that is charged goes through it. */
  readonly outbox: Pick<Outbox, 'trouble' | 'settle' | 'charge' | 'idle'>
  /** What the journal has of a charge; rejects when the journal does not answer. */
  readonly findCharge: (accountId: string, id: string) => Promise<FoundCharge | null>
  /** Brings an account into the ledger; `unknown` when there is no such account. Rejects when that cannot be known now. */
  readonly loadAccount: (accountId: string) => Promise<'loaded' | 'unknown'>
  readonly clock: Clock
}

export interface Extension {
  /** What the work has cost so far: what a dead caller is charged. */
  readonly accrued: Micro
  readonly more: Micro
}

/** What is known when the work is over. */
export interface Work {
  readonly actual: Micro
  readonly row: UsageRow
  readonly quantities: Quantities
  readonly detail: ReceiptDetail
}

/** The two moments at which a settlement is safe, and at which it is made. */
export interface Settling {
  /** Nothing but the loss of this machine's disk can lose it any more: only now may the caller hear the end of its answer. Never rejects. */
  readonly noted: Promise<void>
  /** The ledger has it. Rejects when it has to be left for later; nobody needs to wait. */
  readonly settled: Promise<Settlement>
}

export interface Settlement {
  readonly charged: Micro
  readonly uncollected: Micro
  readonly epoch: number
}

/** Credits set aside for one piece of work. */
export interface Hold {
  /** So much, by the ledger's last word. */
  readonly granted: Micro
  readonly epoch: number
  /** Asks for more and renews the deadline; `held` is what stands after the answer, also after a refusal. */
  extend(
    extension: Extension,
  ): Promise<
    | { readonly ok: true; readonly held: Micro }
    | { readonly ok: false; readonly refusal: Refusal; readonly held: Micro }
  >
  /** Ends the hold, once: a second call gets the first one's answer. */
  settle(work: Work): Settling
  /** Another process may end it, or its lease will: nobody here waits for it any more. */
  leave(): void
}

export interface Gate {
  /** Reserve before work. Fails closed: without an answer from the ledger the refusal is `ledger_unavailable`. */
  open(
    request: ReserveRequest,
    options?: OpenOptions,
  ): Promise<{ readonly ok: true; readonly hold: Hold } | { readonly ok: false; readonly refusal: Refusal }>
  /**
   * A one-shot: charges all of it, or refuses. Once per id: repeated, the first answer again, also by another gateway. `ledger_unavailable` says that nothing
   * is known yet and the outbox goes on: send the same request again to hear what became of it. Any other refusal charged nothing and never will.
   */
  charge(
    request: SettleRequest,
    options?: { readonly patienceMs?: number },
  ): Promise<{ readonly ok: true; readonly settlement: Settlement } | { readonly ok: false; readonly refusal: Refusal }>
  /** Ends a hold that another process may have opened, by its id: once, whoever does it, also after its lease ran out. */
  settle(request: SettleRequest): Settling
  figures(): GateFigures
  /** Resolves when every hold that was opened is settled, and the ledger has it. */
  settled(): Promise<void>
  /**
   * Waits for open holds to be settled, at most `timeoutMs`. Answers how many were not: those that never ended are left to their leases, the settlements of
   * the others to the outbox.
   */
  close(timeoutMs: number): Promise<number>
}

export interface OpenOptions {
  /** Others open the same hold: one whose answer was lost is left to its lease, since giving it back would take it from them. */
  readonly shared?: boolean
  /** Its id is new and it accrues nothing before it is over, so it may run on a part of a hold that calls like it share: see tabs.ts. */
  readonly onTab?: boolean
}

export interface GateFigures {
  /** Opened and not settled yet. */
  readonly openHolds: number
  /** Age of the oldest of them, 0 without any. */
  readonly oldestOpenHoldMs: number
}

/** An id can meet `account_not_loaded` and `ask_journal` in turn, and again after an eviction; more turns than this mean that something is wrong. */
const maxTurns = 6
/** A reserve whose answer was lost may still arrive: its id gets a tombstone, if Redis comes back soon. Else the lease runs out by itself. */
const releaseAttempts = 4

const chargePatienceMs = 10_000

/** reserve → work → settle: what every face of the gate goes through. */
export function createGate({ ledger, findCharge, loadAccount, clock, outbox }: GateDeps): Gate {
  const underWay = createUnderWay()
  /** Oldest first. */
  const openings = new Set<Opening>()
  const closing = new AbortController()
  const release = (name: HoldName) => underWay.add(releaseLate(name))
  const tabs = createTabs({ ledger, clock, release, closing: closing.signal })
  const holds: HoldDeps = { ledger, outbox, clock, reserve: (request) => open(request, true), openings, underWay }

  async function reserve(request: ReserveRequest): Promise<Decided | Refusal> {
    let evidence: Evidence | undefined
    for (let turn = 0; turn < maxTurns; turn++) {
      const answer = await ledger.reserve(request, evidence)
      if (answer.status === 'account_not_loaded') {
        if ((await loadAccount(request.accountId)) === 'unknown') return { kind: 'account_unknown' }
        evidence = undefined
      } else if (answer.status === 'ask_journal') {
        evidence = {
          lineage: answer.lineage,
          nowMs: answer.nowMs,
          found: await findCharge(request.accountId, request.id),
        }
      } else {
        return answer
      }
    }
    return { kind: 'ledger_unavailable', reason: 'the account keeps leaving the ledger' }
  }

  async function open(request: ReserveRequest, shared = false): Promise<Reserved> {
    let answer
    try {
      answer = await reserve(request)
    } catch (error) {
      // A request that the ledger cannot even be sent is a bug, not an outage.
      if (error instanceof RangeError || error instanceof TypeError) throw error
      if (!shared) release(request)
      return {
        ok: false,
        refusal: { kind: 'ledger_unavailable', reason: error instanceof Error ? error.message : String(error) },
      }
    }
    if ('kind' in answer) return { ok: false, refusal: answer }
    if ('epoch' in answer) return { ok: true, granted: answer }
    return { ok: false, refusal: refusalOf(answer, request.minimum) }
  }

  async function releaseLate({ accountId, id }: HoldName): Promise<void> {
    for (let attempt = 0; attempt < releaseAttempts && !closing.signal.aborted; attempt++) {
      try {
        await ledger.release({ accountId, id })
        return
      } catch {
        await clock.sleep(250 * 2 ** attempt)
      }
    }
  }

  return {
    async open(request, { shared = false, onTab = false } = {}) {
      const trouble = outbox.trouble()
      if (trouble !== null) return { ok: false, refusal: { kind: 'outbox_unavailable', reason: trouble } }
      const part = onTab ? tabs.take(request) : undefined
      if (part !== undefined) return { ok: true, hold: new OpenHold(holds, request, request.amount, part.began, part) }
      const opened = await open(request, shared)
      if (!opened.ok) return opened
      return { ok: true, hold: new OpenHold(holds, request, opened.granted.held, opened.granted) }
    },
    async charge(request, { patienceMs = chargePatienceMs } = {}) {
      const trouble = outbox.trouble()
      if (trouble !== null) return { ok: false, refusal: { kind: 'outbox_unavailable', reason: trouble } }
      const outcome = await outbox.charge({ ...request, accepted: false }, patienceMs)
      return outcome.ok ? { ok: true, settlement: toSettlement(outcome.settled) } : outcome
    },
    settle(request) {
      const { noted, settled } = outbox.settle(request)
      const settlement = settled.then(toSettlement)
      // The outbox has told of a failure and tries again; nobody has to listen.
      underWay.add(settlement)
      return { noted, settled: settlement }
    },
    figures() {
      const oldest = openings.values().next()
      return { openHolds: openings.size, oldestOpenHoldMs: oldest.done === true ? 0 : clock.now() - oldest.value.atMs }
    },
    settled: underWay.idle,
    async close(timeoutMs) {
      await Promise.race([underWay.idle().then(() => tabs.close()), clock.sleep(timeoutMs)])
      const left = underWay.count()
      closing.abort(new Error('the process ends'))
      return left
    },
  }
}

type Decided = Exclude<ReserveAnswer, { status: 'ask_journal' } | { status: 'account_not_loaded' }>
type Granted = Extract<Decided, { held: Micro; epoch: number }>

/** Whether a hold was opened, and why not. */
export type Reserved =
  | { readonly ok: true; readonly granted: Granted }
  | { readonly ok: false; readonly refusal: Refusal }
