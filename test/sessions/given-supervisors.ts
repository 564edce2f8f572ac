import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { creditsToMicro, sum, toMicro } from '../../credits/money.ts'
import type { Receipt } from '../../credits/receipt.ts'
import type { SessionFacts } from '../../credits/session/facts.ts'
import { minuteCharge } from '../../credits/session/minutes.ts'
import { minutePrice } from '../../credits/session/price.ts'
import type { SessionProgress } from '../../credits/session/progress.ts'
import type { EndAsked } from '../../journal/sessions.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import { shardOf } from '../../ledger/keys.ts'
import { LedgerUnavailable, type SessionReading } from '../../ledger/ledger.ts'
import { createGate } from '../../middleware/gate.ts'
import { createOutbox, type Outbox } from '../../middleware/outbox/outbox.ts'
import { openStore } from '../../middleware/outbox/store.ts'
import type { Presence, SessionAdapter } from '../../middleware/sessions/adapter.ts'
import { noProgress } from '../../middleware/sessions/session-meter.ts'
import { createSupervisor, type SupervisionEnded, type Supervisor } from '../../middleware/sessions/supervisor.ts'
import { type GivenLedger, givenLedger, sessionFacts, termsOf } from '../ledger/given.ts'

/** What a session ran on, as the test sees it. */
export interface TestAdapter extends SessionAdapter {
  readonly calls: string[]
  failing: boolean
  answer: Presence
}

export interface TestSession {
  readonly accountId: string
  readonly sessionId: string
  readonly startedAtMs: number
  readonly facts: SessionFacts
  /** What the last supervisor told whoever comes after it. */
  progress: SessionProgress
  endAsked: boolean
  /** What the journal has of an end that was asked for; undefined: it is away. */
  noted: EndAsked | null | undefined
  alive(): Promise<SessionReading>
  end(): Promise<SessionReading>
  read(): Promise<SessionReading['record']>
  topUp(credits: number): Promise<void>
  /** By minute: the last word of the ledger on it. */
  receipts(): Promise<readonly (Receipt | undefined)[]>
}

/** A process that supervises: its own outbox and holds. */
export interface TestProcess {
  readonly supervisor: Supervisor
  attend(session: TestSession): { readonly ended: Promise<SupervisionEnded>; readonly handOver: () => void }
  /** Killed: what it would tell the ledger from now on is lost. */
  cutOff(): void
  reach(): void
  /** The ledger does it, and this process does not hear so. */
  loseNextAnswerOf(operation: string): void
}

export interface GivenSupervisors {
  readonly given: GivenLedger
  readonly adapter: TestAdapter
  process(): Promise<TestProcess>
  session(credits: number, change?: Partial<SessionFacts>): Promise<TestSession>
  /** What the sweeper does. */
  expireDue(): Promise<void>
  stop(): Promise<void>
}

/** Supervisors on a real Redis whose clock the test turns. */
export async function givenSupervisors(): Promise<GivenSupervisors> {
  const given = await givenLedger({ depletedBelow: toMicro(10_000) })
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-sessions-'))
  const outboxes: Outbox[] = []
  const sessions = new Map<string, TestSession>()
  let names = 0
  const adapter: TestAdapter = {
    calls: [],
    failing: false,
    answer: 'unknown',
    begin: async ({ sessionId }) => ({ ref: sessionId, platform: null, join: null }),
    async warn(_, ref, secondsLeft) {
      adapter.calls.push(`warn ${ref} ${secondsLeft}`)
    },
    async end(_, ref, reason) {
      if (adapter.failing) throw new Error('the media server is away')
      adapter.calls.push(`end ${ref} ${reason}`)
    },
  }
  const looking: SessionAdapter = { ...adapter, look: async () => adapter.answer }
  const clock = {
    now: () => given.clock.nowMs(),
    sleep: () => new Promise<void>((resolve) => setImmediate(resolve)),
    every: () => () => undefined,
  }
  return {
    given,
    adapter,
    async process() {
      let reaches = true
      const lost = new Set<string>()
      const ledger = new Proxy(given.ledger, {
        get(target, name, receiver) {
          const found: unknown = Reflect.get(target, name, receiver)
          if (typeof found !== 'function') return found
          return async (...args: unknown[]) => {
            if (!reaches) throw new LedgerUnavailable('cut off')
            const answer = (await Reflect.apply(found, target, args)) as unknown
            if (!lost.delete(String(name))) return answer
            throw new LedgerUnavailable('the answer was lost')
          }
        },
      })
      const findCharge = () => Promise.resolve(null)
      const loadAccount = () => Promise.resolve('unknown' as const)
      const outbox = await createOutbox({
        store: await openStore({ folder: join(folder, `process-${(names += 1)}`), clock, onEvent: () => undefined }),
        ledger,
        journal: { findCharge, settledAmong: async () => [] },
        loadAccount,
        clock,
        onEvent: () => undefined,
      })
      outboxes.push(outbox)
      const gate = createGate({ ledger, findCharge, loadAccount, clock, outbox })
      const supervisor = createSupervisor({
        ledger,
        gate,
        clock,
        adapters: { browser: adapter, livekit: looking },
        async endAskedFor({ sessionId }) {
          const { noted } = sessions.get(sessionId)!
          if (noted === undefined) throw new JournalUnavailable('the journal is away')
          return noted
        },
        log: { warn: () => undefined, error: () => undefined },
      })
      return {
        supervisor,
        attend(session) {
          const handOver = new AbortController()
          const { accountId, sessionId, facts, progress } = session
          const ended = supervisor.attend(
            { accountId, sessionId, facts, progress },
            {
              handOver: handOver.signal,
              endAsked: () => session.endAsked,
              onLook: (now) => (session.progress = now),
            },
          )
          return { ended, handOver: () => handOver.abort() }
        },
        cutOff: () => void (reaches = false),
        reach: () => void (reaches = true),
        loseNextAnswerOf: (operation) => void lost.add(operation),
      }
    },
    async session(credits, change = {}) {
      const name = { accountId: `caller-${(names += 1)}`, sessionId: `session-${names}` }
      const facts = { ...sessionFacts, ref: name.sessionId, ...change }
      let granted = creditsToMicro(credits)
      let version = 1
      await given.load(name.accountId, { granted })
      const { record } = await given.ledger.session({ ...name, act: 'begin', facts })
      const { startedAtMs } = record!
      const session: TestSession = {
        ...name,
        startedAtMs,
        facts,
        progress: noProgress(startedAtMs),
        endAsked: false,
        noted: null,
        async alive() {
          const heard = await given.ledger.session({ ...name, act: 'alive' })
          // As the gateway does where the ledger has lost it, and the journal knows of no end
          if (heard.record !== null || session.noted !== null || facts.waits === true) return heard
          return given.ledger.session({ ...name, act: 'begin', facts, startedAtMs })
        },
        end: () => given.ledger.session({ ...name, act: 'end', reason: 'requested' }),
        read: async () => (await given.ledger.session({ ...name, act: 'read' })).record,
        async topUp(more) {
          granted = toMicro(granted + creditsToMicro(more))
          await given.ledger.putTerms(name.accountId, termsOf({ version: (version += 1), granted }))
        },
        async receipts() {
          const beganAtMs = (await session.read())?.startedAtMs ?? startedAtMs
          const all = (await given.ledger.receipts(shardOf(name.accountId), 10_000))
            .map(({ receipt }) => receipt)
            .filter(({ accountId }) => accountId === name.accountId)
          const minutes = Array.from({ length: 60 }, (_, minute) =>
            all.findLast(({ id }) => id === minuteCharge({ ...name, startedAtMs: beganAtMs }, minute)),
          )
          const ids = new Set(minutes.map((receipt) => receipt?.id))
          const strays = all.filter(({ id }) => !ids.has(id))
          if (strays.length > 0) throw new Error(`charges of no minute: ${JSON.stringify(strays)}`)
          return minutes
        },
      }
      sessions.set(session.sessionId, session)
      return session
    },
    async expireDue() {
      const shards = Array.from({ length: 256 }, (_, shard) => shard)
      const pending = await given.ledger.pending(shards, { dirtyOlderThanMs: 0, perShard: 100 })
      for (const { due } of pending) for (const hold of due) await given.ledger.expire(hold)
    },
    async stop() {
      for (const outbox of outboxes) await outbox.close(0)
      rmSync(folder, { recursive: true })
      await given.stop()
    },
  }
}

/** What each minute of a session that lasted `ms` must have come to, charged or not. */
export function owedByMinute(facts: SessionFacts, ms: number): readonly number[] {
  return Array.from({ length: 60 }, (_, minute) => minutePrice(minute, ms, facts))
}

export function totalsOf(receipts: readonly (Receipt | undefined)[]): readonly number[] {
  return receipts.map((receipt) => (receipt === undefined ? 0 : receipt.charged + receipt.uncollected))
}

export function chargedOf(receipts: readonly (Receipt | undefined)[]): number {
  return sum(receipts.flatMap((receipt) => (receipt === undefined ? [] : [receipt.charged])))
}
