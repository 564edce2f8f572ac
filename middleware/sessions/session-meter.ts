import { availableOf } from '../../credits/balance.ts'
import { toMicro, zero } from '../../credits/money.ts'
import type { SessionFacts } from '../../credits/session/facts.ts'
import { minuteAt, minuteCharge } from '../../credits/session/minutes.ts'
import { billedMs, minuteMs, minutePrice } from '../../credits/session/price.ts'
import type { SessionProgress } from '../../credits/session/progress.ts'
import type { EndReason } from '../../credits/session/session.ts'
import { noQuantities } from '../../credits/usage-row.ts'
import type { Ledger, ReserveRequest, SessionName } from '../../ledger/ledger.ts'
import type { Gate, Hold, Work } from '../gate.ts'

export interface SessionMeterDeps {
  readonly ledger: Pick<Ledger, 'read' | 'release'>
  readonly gate: Pick<Gate, 'open' | 'settle'>
  readonly times?: Partial<SessionMeterTimes>
}

export interface SessionMeterTimes {
  /** Beyond the minute itself, its credits stay set aside for so long when nobody supervises it any more. */
  readonly leaseMs: number
  /** How often the ledger hears what a running minute has come to: what a session without a supervisor is charged. */
  readonly accrueMs: number
}

export const usualSessionTimes: SessionMeterTimes = { leaseMs: 60_000, accrueMs: 10_000 }

/** Why a session cannot go on, and when it ended therefore. */
export interface Verdict {
  readonly reason: EndReason
  readonly endedAtMs: number
}

/** The money of one session: a hold per minute, each settled once under an id that every supervisor derives. */
export interface SessionMeter {
  progress(): SessionProgress
  /** What can still be paid for, in seconds, while that is less than the catalogue's warning; else null. */
  secondsLeft(): number | null
  /** Does what is due, by Redis' time. All of it may be done again, by another one and at the same time. */
  tick(at: { readonly nowMs: number; readonly aliveAtMs: number }): Promise<Verdict | null>
  /** Settles what is left of a session that has ended; resolves when that cannot be lost any more. */
  finish(over: Verdict): Promise<void>
  /** Another supervisor goes on: nobody here waits for its holds any more. */
  leave(): void
}

export function createSessionMeter(
  { ledger, gate, times }: SessionMeterDeps,
  { accountId, sessionId }: SessionName,
  facts: SessionFacts,
  before: SessionProgress,
): SessionMeter {
  const { startedAtMs } = before
  const { leaseMs, accrueMs } = { ...usualSessionTimes, ...times }
  const { perMinute, row, levels } = facts
  /** Minutes that are paid for; null: by a hold that ran out, whose settlement will adjust what it was charged. */
  const covered = new Map<number, Hold | null>()
  let progress = before
  let left: number | null = null
  let accruedAtMs = Number.NEGATIVE_INFINITY
  let wasRefused = false

  /** The first one was, or it had not begun. */
  const grantedMinutes = (): number => progress.grantedMinutes ?? 1
  const chargeOf = (minute: number): string => minuteCharge({ sessionId, startedAtMs }, minute)
  const sinceStart = (atMs: number): number => Math.max(0, atMs - startedAtMs)

  /** The reason for which a minute may not begin, where that is known. */
  async function cover(minute: number, ms: number): Promise<EndReason | null> {
    if (covered.has(minute)) return null
    const request = minuteHold({ accountId, sessionId }, facts, startedAtMs, minute, ms, leaseMs)
    const answer = await gate.open(request, { shared: true })
    if (answer.ok) {
      covered.set(minute, answer.hold)
      progress = { ...progress, grantedMinutes: Math.max(minute + 1, grantedMinutes()) }
      return null
    }
    // A ledger that has lost everything keeps aside what was held, and its settlement is paid from that
    if (minute < grantedMinutes()) return null
    switch (answer.refusal.kind) {
      case 'already_charged':
        covered.set(minute, null)
        return null
      case 'credits_depleted':
      case 'insufficient_credits':
      case 'account_unknown':
        return 'credits'
      case 'budget_exhausted':
        return 'budget'
      default:
        // Nobody's call is cut because something could not be asked: the minute is settled all the same.
        return null
    }
  }

  /** Minutes to whose very end somebody was there: one that fell silent within them may have ended there. */
  async function settleUpTo(minute: number): Promise<void> {
    while (progress.settledMinutes < minute)
      await settle(progress.settledMinutes, (progress.settledMinutes + 1) * minuteMs, 'finished')
  }

  async function settle(minute: number, ms: number, outcome: string): Promise<void> {
    const work = workOf(minute, ms, outcome)
    const hold = covered.get(minute)
    const settling =
      hold == null ? gate.settle({ accountId, id: chargeOf(minute), levels, ...work }) : hold.settle(work)
    await settling.noted
    covered.delete(minute)
    // Left for later, the outbox sees to it, and its amount is known
    const charged = await settling.settled.then(
      (settlement) => settlement.charged,
      () => work.actual,
    )
    progress = { ...progress, settledMinutes: minute + 1, charged: toMicro(progress.charged + charged) }
  }

  function workOf(minute: number, ms: number, outcome: string): Work {
    const actual = minutePrice(minute, ms, facts)
    const durationMs = Math.min(billedMs(ms, facts), (minute + 1) * minuteMs) - minute * minuteMs
    return {
      actual,
      row,
      quantities: { ...noQuantities, units: durationMs },
      detail: {
        messageId: facts.message,
        session: sessionId,
        task: '',
        purpose: '',
        provider: '',
        pricedAs: facts.pricedAs,
        catalogueVersion: facts.catalogueVersion,
        priceVersion: '',
        startedAtMs: startedAtMs + minute * minuteMs,
        durationMs,
        outcome,
        estimated: false,
        lines: [{ kind: facts.kind, quantity: durationMs, unit: 'ms', rate: '', amount: actual }],
      },
    }
  }

  /** Nothing of it was used. Should this not be heard, its lease gives it back. */
  async function release(minute: number): Promise<void> {
    covered.get(minute)?.leave()
    covered.delete(minute)
    await ledger.release({ accountId, id: chargeOf(minute) }).catch(() => undefined)
  }

  /** What somebody was there for, and the lease renewed. */
  async function accrue(aliveMs: number, minute: number): Promise<void> {
    for (const [each, hold] of covered) {
      if (hold === null || each > minute) continue
      const { ok } = await hold.extend({ accrued: minutePrice(each, aliveMs, facts), more: zero })
      if (ok) continue
      // It may be gone: the next look opens it again, which changes nothing where it is not.
      hold.leave()
      covered.delete(each)
    }
  }

  async function lookAhead(ms: number, minute: number, refused: EndReason | null): Promise<void> {
    const ahead = minute + (covered.has(minute + 1) ? 2 : 1)
    const more = refused === null ? await affordable() : 0
    const leftMs = ahead * minuteMs - ms + more * minuteMs
    const isEnough = leftMs >= facts.warnMs || ahead * minuteMs >= facts.longestMs
    left = isEnough ? null : Math.max(0, Math.floor(leftMs / 1_000))
  }

  /** Whole minutes, beside those that are set aside. */
  async function affordable(): Promise<number> {
    if (perMinute === 0) return Number.POSITIVE_INFINITY
    const reading = await ledger.read(accountId)
    return reading.status === 'loaded' ? Math.floor(availableOf(reading) / perMinute) : Number.POSITIVE_INFINITY
  }

  return {
    progress: () => progress,
    secondsLeft: () => left,
    async tick({ nowMs, aliveAtMs }) {
      const ms = sinceStart(nowMs)
      progress = { ...progress, aliveAtMs: Math.max(aliveAtMs, progress.aliveAtMs) }
      if (ms >= facts.longestMs) return { reason: 'longest', endedAtMs: startedAtMs + facts.longestMs }
      const minute = minuteAt(ms)
      const reason = await cover(minute, ms)
      if (reason !== null) return { reason, endedAtMs: startedAtMs + minute * minuteMs }
      const goesOn = (minute + 1) * minuteMs < facts.longestMs
      const refused = goesOn ? await cover(minute + 1, ms) : null
      const aliveMs = sinceStart(progress.aliveAtMs)
      await settleUpTo(minuteAt(aliveMs))
      if (nowMs - accruedAtMs >= accrueMs || (refused !== null) !== wasRefused) {
        accruedAtMs = nowMs
        wasRefused = refused !== null
        await accrue(aliveMs, minute)
        await lookAhead(ms, minute, refused)
      }
      return null
    },
    async finish({ endedAtMs, reason }) {
      const ms = sinceStart(endedAtMs)
      const last = minuteAt(ms)
      await settleUpTo(last)
      const outcome = reason === 'credits' || reason === 'budget' ? 'stopped_at_zero' : 'finished'
      if (progress.settledMinutes === last && minutePrice(last, ms, facts) > 0) await settle(last, ms, outcome)
      left = null
      // A supervisor that is gone may have set aside as much ahead as this one.
      const unused = new Set([...covered.keys(), progress.settledMinutes, progress.settledMinutes + 1])
      for (const minute of unused) if (minute >= progress.settledMinutes) await release(minute)
    },
    leave() {
      for (const hold of covered.values()) hold?.leave()
      covered.clear()
    },
  }
}

/** The credits of one minute, asked for when the session has lasted `ms`. */
export function minuteHold(
  { accountId, sessionId }: SessionName,
  { perMinute, row, levels }: SessionFacts,
  startedAtMs: number,
  minute: number,
  ms: number,
  leaseMs = usualSessionTimes.leaseMs,
): ReserveRequest {
  const ttlMs = Math.max(0, minute * minuteMs - ms) + minuteMs + leaseMs
  const id = minuteCharge({ sessionId, startedAtMs }, minute)
  return { accountId, id, amount: perMinute, minimum: perMinute, ttlMs, row, levels }
}

export const noProgress = (startedAtMs: number): SessionProgress => ({
  startedAtMs,
  aliveAtMs: startedAtMs,
  settledMinutes: 0,
  charged: zero,
})
