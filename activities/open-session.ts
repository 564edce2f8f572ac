import { ApplicationFailure } from '@temporalio/activity'
import type { Catalogue } from '../credits/catalogue.ts'
import type { Refusal } from '../credits/refusal.ts'
import type { SessionFacts } from '../credits/session/facts.ts'
import type { SessionAnswer, SessionRefusal, SessionStart } from '../credits/session/messages.ts'
import type { Journal } from '../journal/journal.ts'
import { JournalUnavailable } from '../journal/journal-unavailable.ts'
import type { Ledger, SessionName } from '../ledger/ledger.ts'
import type { Gate } from '../middleware/gate.ts'
import {
  type AdapterBegun,
  AdapterRefused,
  AdapterUnavailable,
  type SessionAdapters,
} from '../middleware/sessions/adapter.ts'
import { entryOf } from '../middleware/sessions/entry-of.ts'
import { factsOf } from '../middleware/sessions/facts-of.ts'
import { minuteHold, noProgress } from '../middleware/sessions/session-meter.ts'
import { usualAdapter } from '../middleware/sessions/usual-adapter.ts'
import type { ActivityLog } from './deps.ts'

export interface OpenSessionDeps {
  readonly ledger: Pick<Ledger, 'session' | 'release'>
  readonly gate: Pick<Gate, 'open'>
  readonly adapters: SessionAdapters
  readonly catalogue: Pick<Catalogue, 'version' | 'activities' | 'sessions'>
  readonly journal: Pick<Journal, 'sessions'>
  readonly log: ActivityLog
}

/**
 * Begins a session: its time in the ledger, the credits of its first minute, what it runs on. A refusal leaves nothing behind. Tried again after a death it goes on where it was, since all of it is under the
 * session's id.
 */
export function createOpenSession({ ledger, gate, adapters, catalogue, journal, log }: OpenSessionDeps) {
  return async (start: SessionStart): Promise<SessionAnswer> => {
    const { accountId, sessionId, kind } = start
    const name: SessionName = { accountId, sessionId }
    const adapterName = start.adapter ?? usualAdapter(kind, adapters)
    const wanted = factsOf(catalogue, start, adapterName)
    if (wanted === null) return refused('session_kind_unknown', `there are no sessions of the kind ${kind} here`)
    const adapter = adapters[adapterName]
    if (adapter === undefined) return refused('adapter_not_configured', `${adapterName} is not set up here`)
    if (accountId === '') return refused('account_unknown', 'the session was started in the name of no account')

    const { record, nowMs } = await ledger.session({ ...name, act: 'begin', facts: wanted })
    const { facts, startedAtMs, endedAtMs } = record!
    if (endedAtMs !== null) return refused('session_over', 'this session is over: begin another one')
    const minute = minuteHold(name, facts, startedAtMs, 0, nowMs - startedAtMs)
    // An attempt before this one came as far as what it runs on, and may have been let in since: its minute is its supervisor's
    const opened = facts.ref === '' ? await gate.open(minute, { shared: true }) : null
    if (opened?.ok === true) opened.hold.leave()
    if (opened?.ok === false && opened.refusal.kind !== 'already_charged') {
      const refusal = refusalOfStart(opened.refusal)
      if (refusal === null) throw ApplicationFailure.retryable(wordsOf(opened.refusal), opened.refusal.kind)
      await giveUp()
      return { ok: false, refusal }
    }

    let begun: AdapterBegun
    try {
      begun = await adapter.begin({ ...start })
    } catch (error) {
      if (!(error instanceof AdapterRefused || error instanceof AdapterUnavailable)) throw error
      await giveUp()
      return refused(error instanceof AdapterRefused ? 'adapter_refused' : 'adapter_unavailable', error.message)
    }
    const { ref, platform, waits = facts.waits } = begun
    const complete: SessionFacts = { ...facts, ref, platform, ...(waits && { waits }) }
    await ledger.session({ ...name, act: 'note', facts: complete })
    await noteBegin(complete, startedAtMs)
    return { ok: true, facts: complete, progress: noProgress(startedAtMs), join: begun.join }

    async function giveUp(): Promise<void> {
      await ledger.session({ ...name, act: 'forget' })
      await ledger.release({ accountId, id: minute.id })
    }
    /** Calls begin while the journal is away; it hears of this one at its end. */
    async function noteBegin(known: SessionFacts, atMs: number): Promise<void> {
      try {
        await journal.sessions.save(entryOf(name, known, atMs, null))
      } catch (error) {
        if (!(error instanceof JournalUnavailable)) throw error
        log.warn({ code: 'session_not_noted', ...name, err: error }, 'a session began while the journal is away')
      }
    }
  }
}

function refused(code: SessionRefusal['code'], message: string): SessionAnswer {
  return { ok: false, refusal: { code, message } }
}

/** What a gate's refusal means for a start; null where nothing is known and it may be asked again. */
function refusalOfStart(refusal: Refusal): SessionRefusal | null {
  const message = wordsOf(refusal)
  switch (refusal.kind) {
    case 'credits_depleted':
    case 'account_unknown':
      return { code: refusal.kind, message }
    case 'insufficient_credits':
      return { code: refusal.kind, message, needed: refusal.needed, available: refusal.available }
    case 'budget_exhausted':
      return { code: refusal.kind, message, level: refusal.level, left: refusal.left }
    default:
      return null
  }
}

function wordsOf(refusal: Refusal): string {
  switch (refusal.kind) {
    case 'credits_depleted':
      return 'no credits are left'
    case 'insufficient_credits':
      return 'what is left does not cover the first minute'
    case 'budget_exhausted':
      return `the budget of ${refusal.level} does not cover the first minute`
    case 'account_unknown':
      return 'there is no such account'
    default:
      return `the first minute could not be reserved: ${refusal.kind}`
  }
}
