import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { inject } from 'vitest'
import type { SessionActivities } from '../../activities/session-activities.ts'
import type { Catalogue } from '../../credits/catalogue.ts'
import { formatCatalogueErrors, parseCatalogue } from '../../credits/parse-catalogue.ts'
import { creditsToMicro, toMicro } from '../../credits/money.ts'
import type { SessionStart } from '../../credits/session/messages.ts'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import type { SessionAdapters } from '../../middleware/sessions/adapter.ts'
import { createSessions, type Sessions } from '../../middleware/sessions/sessions.ts'
import { type GivenLedger, givenLedger, termsOf } from '../ledger/given.ts'
import { until } from '../stack/until.ts'
import { openSessionProcess } from './session-process.ts'
import { openStand, type Stand } from '../workflows/stand.ts'

const parsed = parseCatalogue(readFileSync(new URL('../../catalogue.yaml', import.meta.url), 'utf8'))
if (!parsed.ok) throw new Error(formatCatalogueErrors(parsed.errors))
const { catalogue } = parsed

export interface SessionStand {
  readonly given: GivenLedger
  readonly temporal: Stand
  readonly journal: Journal
  readonly catalogue: Catalogue
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
  const closers: (() => unknown)[] = []
  let version = 1
  const sessions = createSessions({
    client: temporal.client,
    taskQueue: temporal.taskQueue,
    ledger: given.ledger,
    catalogue,
    journal,
  })
  return {
    given,
    temporal,
    journal,
    catalogue,
    sessions,
    async activities(adapters) {
      const opened = await openSessionProcess({
        ledger: given.ledger,
        journal,
        catalogue,
        findCharge: () => Promise.resolve(null),
        loadAccount: () => Promise.resolve('unknown' as const),
        ...(adapters === undefined ? {} : { adapters }),
      })
      closers.push(() => opened.close())
      return opened.activities
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
        const { startedAtMs, aliveAtMs, endedAtMs } = (await given.ledger.session({ ...start, act: 'read' })).record!
        if (endedAtMs !== null) return
        const minutes = Math.floor((aliveAtMs - startedAtMs) / 60_000)
        await until(async () => {
          const reading = await given.ledger.read(start.accountId)
          return reading.status === 'loaded' && reading.spent >= minutes * 3_000_000 ? true : undefined
        })
      }
    },
    async close() {
      await temporal.close()
      for (const closer of closers) await closer()
      await journal.close()
      await given.stop()
    },
  }
}
