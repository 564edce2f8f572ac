import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { createSessionActivities, type SessionActivities } from '../../activities/session-activities.ts'
import { formatCatalogueErrors, parseCatalogue } from '../../credits/parse-catalogue.ts'
import { creditsToMicro, toMicro } from '../../credits/money.ts'
import type { SessionStart } from '../../credits/session/messages.ts'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { systemClock } from '../../middleware/clock.ts'
import { createGate } from '../../middleware/gate.ts'
import { createOutbox } from '../../middleware/outbox/outbox.ts'
import { openStore } from '../../middleware/outbox/store.ts'
import type { SessionAdapters } from '../../middleware/sessions/adapter.ts'
import { browserAdapter } from '../../middleware/sessions/adapters/browser.ts'
import { createSessions, type Sessions } from '../../middleware/sessions/sessions.ts'
import { createSupervisor } from '../../middleware/sessions/supervisor.ts'
import { type GivenLedger, givenLedger, termsOf } from '../ledger/given.ts'
import { until } from '../stack/until.ts'
import { openStand, type Stand } from '../workflows/stand.ts'

const parsed = parseCatalogue(readFileSync(new URL('../../catalogue.yaml', import.meta.url), 'utf8'))
if (!parsed.ok) throw new Error(formatCatalogueErrors(parsed.errors))
export const { catalogue } = parsed

/** Looks come quickly: the tests turn the ledger's clock, and wait for what follows. */
export const lookMs = 20

export interface SessionStand {
  readonly given: GivenLedger
  readonly temporal: Stand
  readonly journal: Journal
  readonly sessions: Sessions
  /** What the session workflow calls, as one process has it. */
  activities(adapters?: SessionAdapters): Promise<SessionActivities>
  /** A voice call of an account with so many credits. */
  caller(credits: number, change?: Partial<SessionStart>): Promise<SessionStart>
  topUp(accountId: string, credits: number): Promise<void>
  /** Somebody talks for so long; resolves when the last of it was seen by a supervisor that has settled up to there. */
  talk(start: SessionStart, seconds: number): Promise<void>
  close(): Promise<void>
}

/** Sessions on the run's Temporal server and PostgreSQL, and on a Redis whose clock the test turns. */
export async function openSessionStand(): Promise<SessionStand> {
  const given = await givenLedger({ depletedBelow: toMicro(10_000) })
  const temporal = await openStand()
  const journal = await openJournal({ url: inject('databaseUrl') })
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-session-stand-'))
  const closers: (() => unknown)[] = []
  let processes = 0
  let version = 1
  const sessions = createSessions({
    client: temporal.client,
    taskQueue: temporal.taskQueue,
    ledger: given.ledger,
    journal,
  })
  return {
    given,
    temporal,
    journal,
    sessions,
    async activities(adapters = { browser: browserAdapter }) {
      const { ledger } = given
      const findCharge = () => Promise.resolve(null)
      const loadAccount = () => Promise.resolve('unknown' as const)
      const outbox = await createOutbox({
        store: await openStore({
          folder: join(folder, `process-${(processes += 1)}`),
          clock: systemClock,
          onEvent: () => undefined,
        }),
        ledger,
        journal: { findCharge, settledAmong: async () => [] },
        loadAccount,
        clock: systemClock,
      })
      const gate = createGate({ ledger, findCharge, loadAccount, clock: systemClock, outbox })
      const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
      const supervisor = createSupervisor({ ledger, gate, adapters, clock: systemClock, log, lookMs })
      closers.push(supervisor.close, () => outbox.close(0))
      return createSessionActivities({ ledger, gate, adapters, supervisor, catalogue, journal, log })
    },
    async caller(credits, change = {}) {
      const accountId = `u-${randomUUID()}`
      await given.load(accountId, { granted: creditsToMicro(credits) })
      return {
        accountId,
        sessionId: randomUUID(),
        kind: 'voice',
        employee: 'ada',
        organization: '',
        message: '',
        adapter: 'browser',
        meetingUrl: null,
        ...change,
      }
    },
    async topUp(accountId, credits) {
      await given.ledger.putTerms(accountId, termsOf({ version: (version += 1), granted: creditsToMicro(credits) }))
    },
    async talk(start, seconds) {
      for (let passed = 0; passed < seconds; passed += 5) {
        await given.clock.advance(Math.min(5, seconds - passed) * 1_000)
        await sessions.alive(start)
      }
      const { startedAtMs, aliveAtMs, endedAtMs } = (await given.ledger.session({ ...start, act: 'read' })).record!
      if (endedAtMs !== null) return
      const minutes = Math.floor((aliveAtMs - startedAtMs) / 60_000)
      await until(async () => {
        const reading = await given.ledger.read(start.accountId)
        return reading.status === 'loaded' && reading.spent >= minutes * 3_000_000 ? true : undefined
      })
    },
    async close() {
      await temporal.close()
      for (const closer of closers) await closer()
      await journal.close()
      await given.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
