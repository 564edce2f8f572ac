import { type Client, WithStartWorkflowOperation, type Workflow } from '@temporalio/client'
import type { Catalogue } from '../../credits/catalogue.ts'
import {
  begunUpdate,
  endSignal,
  type SessionAnswer,
  type SessionJoin,
  type SessionRefusal,
  type SessionRun,
  type SessionStart,
  sessionWorkflowId,
  sessionWorkflowType,
} from '../../credits/session/messages.ts'
import type { AdapterName, EndReason } from '../../credits/session/session.ts'
import type { Journal } from '../../journal/journal.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import type { SessionEntry, SessionPage } from '../../journal/sessions.ts'
import { type Ledger, LedgerUnavailable, type SessionName, type SessionReading } from '../../ledger/ledger.ts'
import { TemporalUnavailable } from '../accounts.ts'
import type { SessionAdapters } from './adapter.ts'
import { factsOfEntry } from './facts-of.ts'
import { type SessionView, viewOfEntry, viewOfRecord } from './session-view.ts'

export type StartAnswer =
  | { readonly ok: true; readonly session: SessionView; readonly join: SessionJoin | null }
  | { readonly ok: false; readonly refusal: SessionRefusal }

/**
 * Calls and meetings, for the doors that begin and end them, and for webhooks. All of it may be repeated. Rejects with LedgerUnavailable, JournalUnavailable or TemporalUnavailable when nothing is
 * known.
 */
export interface Sessions {
  /** Once per id: repeated, it is the same session, whatever has become of it. After a refusal nothing has begun, and the same start may be made again. */
  start(start: SessionStart): Promise<StartAnswer>
  /** A sign of life; null when the account has no such session. After its end it changes nothing. */
  alive(name: SessionName): Promise<SessionView | null>
  /** The same from inside a meeting: one that waited at the door begins now. */
  letIn(name: SessionName): Promise<SessionView | null>
  /** Ends it now; the first end counts. */
  end(name: SessionName, reason?: Extract<EndReason, 'requested' | 'left'>): Promise<SessionView | null>
  find(name: SessionName): Promise<SessionView | null>
  /** What the user needs to take part in one that runs, where its adapter gives it: also of a session that a workflow began. */
  join(name: SessionName): Promise<SessionJoin | null>
  /** Whose room or bot it is, as its adapter named it. */
  findByRef(adapter: AdapterName, ref: string): Promise<SessionName | null>
  /** Newest first, 200 at most. */
  list(accountId: string, page: SessionPage): Promise<readonly ListedSession[]>
  /** What runs now, by the ledger alone: for feeds, which ask often. */
  open(accountId: string): Promise<readonly SessionView[]>
}

/** Its place in the list is that of its start, which is moved where it has to be let in. */
export type ListedSession = SessionView & { readonly listedAtMs: number }

export interface SessionsDeps {
  readonly client: Client
  readonly taskQueue: string
  readonly ledger: Pick<Ledger, 'session' | 'readSessions' | 'openSessions'>
  readonly catalogue: Pick<Catalogue, 'version' | 'activities' | 'sessions'>
  readonly journal: Pick<Journal, 'sessions'>
  /** Those that can let a user in again. */
  readonly adapters?: SessionAdapters
  /** How long a start is waited for, with its adapter's part. */
  readonly deadlineMs?: number
  /** Hears of everything that is under way, also of what nobody waits for any more. */
  readonly onCall?: ((call: Promise<unknown>) => void) | undefined
}

export function createSessions({
  client,
  taskQueue,
  ledger,
  catalogue,
  journal,
  adapters = {},
  deadlineMs = 15_000,
  onCall,
}: SessionsDeps): Sessions {
  /** What the ledger says of it, else what is noted. */
  async function viewOf(name: SessionName, { nowMs, record }: SessionReading): Promise<SessionView | null> {
    if (record !== null && record.endedAtMs === null) return viewOfRecord(name, record, nowMs)
    const entry = await journal.sessions.find(name.accountId, name.sessionId).catch((error: unknown) => {
      // What the ledger knows will do.
      if (record !== null && error instanceof JournalUnavailable) return null
      throw error
    })
    if (record !== null && entry?.endedAtMs == null) return viewOfRecord(name, record, nowMs)
    return entry === null ? null : viewOfEntry(entry, nowMs)
  }

  async function find(name: SessionName): Promise<SessionView | null> {
    return viewOf(name, await ledger.session({ ...name, act: 'read' }))
  }

  /** What has become of the start; begins it where it has not begun. */
  async function begin(start: SessionStart): Promise<SessionAnswer> {
    const run: SessionRun = { start }
    const asked = client.withDeadline(Date.now() + deadlineMs, () =>
      client.workflow.executeUpdateWithStart<Workflow, SessionAnswer, []>(begunUpdate, {
        args: [],
        startWorkflowOperation: new WithStartWorkflowOperation(sessionWorkflowType, {
          workflowId: sessionWorkflowId(start.sessionId),
          taskQueue,
          args: [run],
          workflowIdConflictPolicy: 'USE_EXISTING',
        }),
      }),
    )
    onCall?.(asked)
    try {
      return await asked
    } catch (error) {
      throw new TemporalUnavailable('what became of the session is not known yet', { cause: error })
    }
  }

  /** A ledger that has lost everything hears of a session from whoever is in it, also while no supervisor looks after it. Answers whether it has it again. */
  async function bringBack(name: SessionName, entry: SessionEntry | null): Promise<boolean> {
    if (entry === null || entry.endedAtMs !== null || entry.endAskedAtMs !== null) return false
    // Only its supervisor knows whether it was let in, and sees for itself that it is there
    if (entry.adapter === 'meeting_bot') return false
    const facts = factsOfEntry(catalogue, entry)
    if (facts === null) return false
    await ledger.session({ ...name, act: 'begin', facts, startedAtMs: entry.startedAtMs })
    return true
  }

  async function signOfLife(name: SessionName, act: 'alive' | 'admit'): Promise<SessionView | null> {
    const reading = await ledger.session({ ...name, act })
    if (reading.record !== null) return viewOf(name, reading)
    const entry = await journal.sessions.find(name.accountId, name.sessionId)
    await bringBack(name, entry)
    return entry === null ? null : viewOfEntry(entry, reading.nowMs)
  }

  /** The ledger knows of the end; the journal hears of it, should the ledger lose that before it has come to pass. */
  async function ended(name: SessionName, reading: SessionReading): Promise<SessionView | null> {
    const { endedAtMs, endReason } = reading.record!
    if (endedAtMs !== null) {
      const noted = journal.sessions.noteEndAsked(name.accountId, name.sessionId, {
        reason: endReason,
        atMs: endedAtMs,
      })
      onCall?.(noted)
      await noted.catch(unlessAway)
    }
    return viewOf(name, reading)
  }

  async function askWorkflowToEnd({ sessionId }: SessionName): Promise<void> {
    const asked = client.workflow.getHandle(sessionWorkflowId(sessionId)).signal(endSignal)
    onCall?.(asked)
    await asked.catch((error: unknown) => {
      throw new TemporalUnavailable('neither ledger nor workflow could be told', { cause: error })
    })
  }

  return {
    async start(start) {
      const known = await find(start)
      if (known?.state === 'ended') return { ok: true, session: known, join: null }
      const answer = await begin(start)
      if (!answer.ok && answer.refusal.code !== 'session_over') return answer
      const session = await find(start)
      if (session === null) throw new TemporalUnavailable('the session is not in the ledger yet')
      return { ok: true, session, join: answer.ok ? answer.join : null }
    },
    alive: (name) => signOfLife(name, 'alive'),
    letIn: (name) => signOfLife(name, 'admit'),
    async end(name, reason = 'requested') {
      const reading = await ledger.session({ ...name, act: 'end', reason }).catch((error: unknown) => {
        if (error instanceof LedgerUnavailable) return error
        throw error
      })
      const isAway = reading instanceof LedgerUnavailable
      if (!isAway && reading.record !== null) return ended(name, reading)
      const entry = await journal.sessions.find(name.accountId, name.sessionId)
      if (!isAway && (await bringBack(name, entry)))
        return ended(name, await ledger.session({ ...name, act: 'end', reason }))
      if (entry === null && isAway) throw reading
      if (entry === null) return null
      // The ledger cannot be told, or has lost the session and not got it back yet
      if (entry.endedAtMs === null) {
        if (!isAway)
          await journal.sessions.noteEndAsked(name.accountId, name.sessionId, { reason, atMs: reading.nowMs })
        await askWorkflowToEnd(name)
      }
      return viewOfEntry(entry, entry.startedAtMs)
    },
    find,
    async join(name) {
      const { record, ...reading } = await ledger.session({ ...name, act: 'read' })
      const view = await viewOf(name, { ...reading, record })
      if (view === null || view.state === 'ended') return null
      const adapter = adapters[view.adapter]
      if (adapter?.join !== undefined && record !== null && record.facts.ref !== '')
        return adapter.join({ ...name, ...record.facts }, record.facts.ref)
      const asked = client.withDeadline(Date.now() + deadlineMs, () =>
        client.workflow
          .getHandle(sessionWorkflowId(name.sessionId))
          .executeUpdate<SessionAnswer, []>(begunUpdate, { args: [] }),
      )
      onCall?.(asked)
      const answer = await asked.catch((error: unknown) => {
        throw new TemporalUnavailable('how to take part is not known now', { cause: error })
      })
      return answer.ok ? answer.join : null
    },
    async findByRef(adapter, ref) {
      const entry = await journal.sessions.findByRef(adapter, ref)
      return entry === null ? null : { accountId: entry.accountId, sessionId: entry.id }
    },
    async list(accountId, page) {
      const entries = await journal.sessions.list(accountId, page)
      const names = entries.map(({ id }) => ({ accountId, sessionId: id }))
      const isOpen = (at: number): boolean => entries[at]!.endedAtMs === null
      const readings = await ledger.readSessions(names.filter((_, at) => isOpen(at)))
      return entries.map((entry, at) => {
        const reading = readings.get(names[at]!)
        const listedAtMs = entry.startedAtMs
        if (reading?.record == null) return { listedAtMs, ...viewOfEntry(entry, reading?.nowMs ?? listedAtMs) }
        return { listedAtMs, ...viewOfRecord(names[at]!, reading.record, reading.nowMs) }
      })
    },
    async open(accountId) {
      const names = (await ledger.openSessions(accountId)).map((sessionId) => ({ accountId, sessionId }))
      if (names.length === 0) return []
      const readings = await ledger.readSessions(names)
      return names
        .flatMap((name) => {
          const reading = readings.get(name)
          return reading?.record == null ? [] : [viewOfRecord(name, reading.record, reading.nowMs)]
        })
        .toSorted((one, other) => one.startedAtMs - other.startedAtMs)
    },
  }
}

function unlessAway(error: unknown): void {
  if (!(error instanceof JournalUnavailable)) throw error
}
