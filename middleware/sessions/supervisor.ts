import type { SessionFacts } from '../../credits/session/facts.ts'
import type { SessionOver, SessionProgress } from '../../credits/session/progress.ts'
import type { EndReason } from '../../credits/session/session.ts'
import type { EndAsked } from '../../journal/sessions.ts'
import {
  type Ledger,
  LedgerUnavailable,
  type SessionName,
  type SessionReading,
  type SessionRecord,
} from '../../ledger/ledger.ts'
import type { Clock } from '../clock.ts'
import {
  type AdaptedSession,
  AdapterRefused,
  type Presence,
  type SessionAdapter,
  type SessionAdapters,
} from './adapter.ts'
import { createSessionMeter, noProgress, type SessionMeterDeps } from './session-meter.ts'

export interface SupervisorDeps extends SessionMeterDeps {
  readonly ledger: SessionMeterDeps['ledger'] & Pick<Ledger, 'session' | 'readSessions'>
  readonly adapters: SessionAdapters
  /** Of an end that was asked for and that the ledger may have lost; null where none was. Rejects while the journal is away. */
  readonly endAskedFor: (name: SessionName) => Promise<EndAsked | null>
  readonly clock: Clock
  readonly log: { warn(facts: object, message: string): void; error(facts: object, message: string): void }
  /** How late a minute's end or a call's may be noticed. */
  readonly lookMs?: number
}

export interface Supervised extends SessionName {
  readonly facts: SessionFacts
  readonly progress: SessionProgress
}

export interface Supervising {
  /** Somebody else goes on from the progress that is answered. */
  readonly handOver: AbortSignal
  /** Its end was asked for while the ledger could not be told. */
  readonly endAsked: () => boolean
  /** Each time after it was looked at, also while the ledger is away. */
  readonly onLook: (progress: SessionProgress) => void
}

export type SupervisionEnded =
  | ({ readonly over: true } & SessionOver)
  | { readonly over: false; readonly progress: SessionProgress }

/** Looks after all sessions of a process: one look a second at all of them together, in a few calls of the ledger. */
export interface Supervisor {
  /** Until the session is over, settled and its adapter has let go of it, or until it is handed over. */
  attend(session: Supervised, supervising: Supervising): Promise<SupervisionEnded>
  /** One look at all of them; the ticker's. */
  look(): Promise<void>
  close(): void
}

const usualLookMs = 1_000
/** How often an adapter is asked whether somebody is there, and a journal that is away whether an end was asked for. */
const askAgainMs = 5_000
/** Longer than this nobody looked, although looks come every second. */
const gapMs = 10_000
/** An adapter that does not let go is asked again so often, and given up after so long: the session is settled all the same. */
const endAgainMs = 1_000
const giveUpEndingMs = 600_000

export function createSupervisor(deps: SupervisorDeps): Supervisor {
  const { ledger, clock } = deps
  const attended = new Set<Attended>()
  const stop = clock.every(deps.lookMs ?? usualLookMs, () => void look())

  let reading: Promise<ReadonlyMap<Attended, SessionReading>> | undefined
  const readAll = (): Promise<ReadonlyMap<Attended, SessionReading>> =>
    ledger
      .readSessions([...attended])
      .catch((error: unknown) => {
        if (!(error instanceof LedgerUnavailable)) deps.log.error({ err: error }, 'sessions could not be read')
        return new Map()
      })
      .finally(() => (reading = undefined))

  async function look(): Promise<void> {
    if (attended.size === 0 || reading !== undefined) return
    const readings = await (reading = readAll())
    // A session whose account has to be loaded first keeps no other waiting: the next look passes it by.
    await Promise.all([...attended].map((session) => session.look(readings.get(session))))
  }

  return {
    async attend(supervised, supervising) {
      const session = createAttended(deps, supervised, supervising)
      attended.add(session)
      try {
        return await session.ended
      } finally {
        attended.delete(session)
      }
    },
    look,
    close: stop,
  }
}

interface Attended extends SessionName {
  readonly ended: Promise<SupervisionEnded>
  /** undefined: the ledger does not answer. Never rejects. */
  look(reading: SessionReading | undefined): Promise<void>
}

function createAttended(deps: SupervisorDeps, supervised: Supervised, supervising: Supervising): Attended {
  const { ledger, clock, log } = deps
  const { accountId, sessionId, facts } = supervised
  const name = { accountId, sessionId }
  const adapted: AdaptedSession = { ...name, ...facts }
  const adapter = deps.adapters[facts.adapter]
  let meter = createSessionMeter(deps, name, facts, supervised.progress)
  /** At the door nothing is counted and nothing is charged. */
  let isWaiting = facts.waits === true && !hasBegun(supervised.progress)
  const ended = Promise.withResolvers<SupervisionEnded>()
  /** null: not known, or the ledger is away. */
  let heardSinceMs: number | null = null
  let lookedAtMs: number | undefined
  let isFirst = true
  /** The ledger may have lost an end that was asked for: since the last look of another supervisor, or while it was away. */
  let asksJournal = true
  let askedJournalAtMs = Number.NEGATIVE_INFINITY
  let noted: EndAsked | null = null
  let lastLook: Presence = 'unknown'
  let askedAdapterAtMs = Number.NEGATIVE_INFINITY
  /** What was told last; undefined: nothing by us. A reading may be older than that. */
  let lastTold: number | null | undefined
  let closing: Promise<void> | undefined
  let busy: Promise<void> | undefined

  const handOver = (): void => {
    void (busy ?? Promise.resolve()).then(() => {
      meter.leave()
      ended.resolve({ over: false, progress: progress() })
    })
  }
  if (supervising.handOver.aborted) handOver()
  else supervising.handOver.addEventListener('abort', handOver, { once: true })

  function progress(): SessionProgress {
    const { heardSinceMs: _, lookedAtMs: __, ...known } = meter.progress()
    return {
      ...known,
      ...(facts.waits === true && !isWaiting ? { isIn: true as const } : {}),
      ...(heardSinceMs === null ? {} : { heardSinceMs }),
      ...(lookedAtMs === undefined ? {} : { lookedAtMs }),
    }
  }

  function firstHeardSince(nowMs: number): number {
    const { heardSinceMs: since, lookedAtMs: lookedBefore = Number.NEGATIVE_INFINITY } = supervised.progress
    if (since === undefined) return nowMs
    // Nobody knows whether signs of life could be heard meanwhile
    const isGap = nowMs - lookedBefore > gapMs
    return isGap ? Math.max(since, nowMs - facts.silentAfterMs / 2) : since
  }

  async function step({ nowMs, record: found }: SessionReading): Promise<void> {
    const { startedAtMs, aliveAtMs } = meter.progress()
    heardSinceMs ??= isFirst ? firstHeardSince(nowMs) : nowMs
    lookedAtMs = nowMs
    isFirst = false
    if (found === null) {
      asksJournal = true
      heardSinceMs = nowMs
    }
    let record = found ?? (await bringBack(startedAtMs, aliveAtMs))
    if (isWaiting && !record.isWaiting) await letIn(record)
    else if (!isWaiting && record.isWaiting && record.endedAtMs === null) record = await admitAgain()
    if (record.endedAtMs === null) record = (await goOn(record, nowMs)) ?? record
    if (record.endedAtMs === null) return
    const { endedAtMs, endReason } = record
    if (isWaiting) await letIn({ startedAtMs: record.isWaiting ? endedAtMs : record.startedAtMs })
    closing ??= letGo(adapter, endReason)
    await meter.finish({ endedAtMs, reason: endReason })
    // Not waited for: it must not keep the session from being handed over.
    void closing.then(() => {
      const { startedAtMs: beganAtMs, charged } = meter.progress()
      ended.resolve({ over: true, startedAtMs: beganAtMs, endedAtMs, endReason, charged })
    })
  }

  /** The ledger has lost it. */
  async function bringBack(startedAtMs: number, aliveAtMs: number): Promise<SessionRecord> {
    const { waits: _, ...inside } = facts
    const known = isWaiting ? facts : inside
    return (await ledger.session({ ...name, act: 'begin', facts: known, startedAtMs, aliveAtMs })).record!
  }

  /** The ledger went back to before it was let in. */
  async function admitAgain(): Promise<SessionRecord> {
    const { startedAtMs } = meter.progress()
    return (await ledger.session({ ...name, act: 'admit', startedAtMs })).record!
  }

  /** What was set aside for a first minute is given back: it is counted from here, or has ended at the door. */
  async function letIn({ startedAtMs }: Pick<SessionRecord, 'startedAtMs'>): Promise<void> {
    isWaiting = false
    const waited = meter
    const { startedAtMs: waitedSinceMs } = waited.progress()
    // Let in at once, its first minute is the one that was set aside
    if (startedAtMs === waitedSinceMs) return
    meter = createSessionMeter(deps, name, facts, { ...noProgress(startedAtMs), grantedMinutes: 0 })
    await waited.finish({ endedAtMs: waitedSinceMs, reason: 'left' })
  }

  /** The record after its end, where it ended now. */
  async function goOn(record: SessionRecord, nowMs: number): Promise<SessionRecord | null> {
    const aliveAtMs = Math.max(record.aliveAtMs, meter.progress().aliveAtMs)
    askJournal(nowMs)
    if (supervising.endAsked()) noted ??= await deps.endAskedFor(name).catch(() => null)
    if (noted !== null) return end(noted.reason, noted.atMs)
    if (supervising.endAsked()) return end('requested', aliveAtMs)
    askAdapter(nowMs)
    const silence = lastLook === 'gone' || nowMs - Math.max(aliveAtMs, heardSinceMs!) >= facts.silentAfterMs
    if (silence) {
      const reason = lastLook === 'empty' || lastLook === 'gone' ? 'left' : 'connection_lost'
      return end(reason, aliveAtMs, record.aliveAtMs)
    }
    if (isWaiting) return nowMs - record.startedAtMs < facts.longestMs ? null : end('longest', nowMs)
    const verdict = await meter.tick({ nowMs, aliveAtMs })
    if (verdict !== null) return end(verdict.reason, verdict.endedAtMs)
    await tellWhatIsLeft(record)
    return null
  }

  async function end(reason: EndReason, latestMs: number, unlessAliveAfterMs?: number): Promise<SessionRecord | null> {
    const silent = unlessAliveAfterMs === undefined ? {} : { unlessAliveAfterMs }
    return (await ledger.session({ ...name, act: 'end', reason, latestMs, ...silent })).record
  }

  /** Beside the looks, like what follows: the next one knows. */
  function askJournal(nowMs: number): void {
    if (!asksJournal || nowMs - askedJournalAtMs < askAgainMs) return
    askedJournalAtMs = nowMs
    asksJournal = false
    deps.endAskedFor(name).then(
      (asked) => (noted = asked),
      () => (asksJournal = true),
    )
  }

  /** Beside the looks: a media server that hangs holds up no minute. */
  function askAdapter(nowMs: number): void {
    if (adapter?.look === undefined || nowMs - askedAdapterAtMs < askAgainMs) return
    askedAdapterAtMs = nowMs
    void (async () => {
      lastLook = await adapter.look!(adapted, facts.ref).catch(() => 'unknown' as const)
      if (lastLook === 'waiting') await ledger.session({ ...name, act: 'alive' })
      if (lastLook === 'present') await ledger.session({ ...name, act: 'admit' })
    })().catch((error: unknown) => failed(error, 'a sign of life of a session was not heard'))
  }

  async function tellWhatIsLeft(record: SessionRecord): Promise<void> {
    const secondsLeft = meter.secondsLeft()
    const told = lastTold === undefined ? record.secondsLeft : lastTold
    if (secondsLeft === told && secondsLeft === record.secondsLeft) return
    await ledger.session({ ...name, act: 'warn', secondsLeft })
    lastTold = secondsLeft
    if (told !== null || secondsLeft === null) return
    void adapter
      ?.warn?.(adapted, facts.ref, secondsLeft)
      .catch((error: unknown) => failed(error, 'those in a session could not be warned'))
  }

  async function letGo(running: SessionAdapter | undefined, reason: EndReason): Promise<void> {
    const giveUpAtMs = clock.now() + giveUpEndingMs
    while (!supervising.handOver.aborted) {
      try {
        return await running?.end(adapted, facts.ref, reason)
      } catch (error) {
        if (error instanceof AdapterRefused || clock.now() >= giveUpAtMs) {
          log.error(
            { code: 'session_not_closed', ...name, adapter: facts.adapter, err: error },
            'a session was settled, and what it ran on goes on',
          )
          return
        }
        failed(error, 'what a session ran on could not be closed; it is tried again')
      }
      await clock.sleep(endAgainMs)
    }
  }

  function failed(error: unknown, message: string): void {
    log.warn({ code: 'session_trouble', ...name, err: error }, message)
  }

  return {
    ...name,
    ended: ended.promise,
    async look(reading) {
      supervising.onLook(progress())
      if (supervising.handOver.aborted) return
      if (reading === undefined) {
        heardSinceMs = null
        isFirst = false
        asksJournal = true
        return
      }
      if (busy !== undefined) return
      busy = step(reading)
        .catch((error: unknown) => failed(error, 'a session could not be looked after; the next look goes on'))
        .finally(() => (busy = undefined))
      await busy
    },
  }
}

/** Also by a worker that knew of no door, and charged from the start. */
function hasBegun({ isIn, settledMinutes, grantedMinutes = 1 }: SessionProgress): boolean {
  return isIn === true || settledMinutes > 0 || grantedMinutes > 1
}
