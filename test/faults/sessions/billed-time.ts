import { Client, Connection } from '@temporalio/client'
import { type SessionResult, sessionWorkflowId } from '../../../credits/session/messages.ts'
import { minuteAt, minuteCharge } from '../../../credits/session/minutes.ts'
import { minuteMs, minutePrice } from '../../../credits/session/price.ts'
import type { JournalEntry } from '../../../journal/journal-entry.ts'
import { openJournal } from '../../../journal/open-journal.ts'
import type { SessionEntry } from '../../../journal/sessions.ts'
import { booksAtRest } from '../at-rest.ts'
import { seeded } from '../seeded.ts'
import { isPoor, type Stand } from '../stand.ts'
import type { MediaServer, Window } from './media-server.ts'
import { beatMs, createSessionCallers, type LivedCall, type PlannedCall, planCalls } from './session-calls.ts'
import { startSessionKills, type Victim } from './session-kills.ts'

export interface BilledTimeOptions {
  readonly name: string
  readonly seed: number
  readonly calls: number
  /** Within which all of them begin. */
  readonly spreadMs: number
  /** No call lasts longer, but for those that go on until nothing is left. */
  readonly longestMs: number
  readonly killEveryMs: number
  readonly among: readonly Victim[]
  readonly restWithinMs: number
  readonly say?: (line: string) => void
}

/** One call, as the books have it, beside the truth. */
export interface BilledCall extends LivedCall {
  readonly entry: SessionEntry | null
  readonly result: SessionResult
  readonly receipts: readonly JournalEntry[]
  readonly runs: number
}

export interface BilledTime {
  readonly calls: readonly BilledCall[]
  readonly kills: Readonly<Record<Victim, number>>
  readonly minutes: number
  readonly billedMs: number
  /** By how much the end that is billed lies beside the one that there was: the worst call of each kind, ms. */
  readonly worstOffMs: Readonly<Record<'voice' | 'meeting', number>>
  readonly corrections: number
  /** '' when each call was billed for the time that it lasted, but for one heartbeat, and no minute of it twice. */
  readonly fault: string
}

/** Between two signs of life: of a voice call its page's, of a meeting the supervisor's looks at its bot. */
const heartbeatMs = { voice: beatMs, meeting: 6_000 } as const
/** What a Redis that dies may lose of what it has answered, and what requests take on a busy machine. */
const slackMs = 1_500
/** Whoever waits for the last calls hears which they are. */
const tellEveryMs = 30_000
/** Welcome and what is granted here pay for one minute. */
const grantedToPoor = 3

/** Calls under way while parts die, and a comparison of what was billed with what their callers know. */
export async function billedTime(stand: Stand, media: MediaServer, options: BilledTimeOptions): Promise<BilledTime> {
  const { say = () => undefined } = options
  const seed = seeded(options.seed)
  const poor = stand.callers.filter((_, index) => isPoor(index))
  for (const { accountId } of poor) await stand.grant(accountId, grantedToPoor)
  const connection = await Connection.connect({ address: stand.temporalAddress })
  const journal = await openJournal({ url: stand.databaseUrl })
  try {
    const temporal = new Client({ connection })
    const rich = stand.callers.filter((_, index) => !isPoor(index))
    const callers = createSessionCallers(stand, media, temporal, options.name)
    const killing = startSessionKills(stand, media, seed.of('kills'), {
      everyMs: options.killEveryMs,
      among: options.among,
    })
    let lived: readonly LivedCall[]
    try {
      const plans = planCalls(seed, options, { rich, poor })
      say(`${plans.length} calls`)
      const underWay = new Set(plans)
      const telling = setInterval(() => say(whatIsUnderWay([...underWay])), tellEveryMs)
      lived = await Promise.all(plans.map((plan) => callers.live(plan).finally(() => underWay.delete(plan)))).finally(
        () => clearInterval(telling),
      )
    } finally {
      await killing.stop()
    }
    say('all calls are over; their books come to rest')
    const results = await Promise.all(
      lived.map(({ sessionId }) => resultWithin(temporal, sessionId, options.restWithinMs)),
    )
    const books = await booksAtRest(stand, options.restWithinMs)
    const entries = books.flatMap((book) => book.entries)
    const calls = await Promise.all(
      lived.map(async (call, index): Promise<BilledCall> => {
        const { accountId } = call.caller
        return {
          ...call,
          result: results[index]!,
          entry: await journal.sessions.find(accountId, call.sessionId),
          receipts: entries.filter((each) => each.accountId === accountId && each.id.includes(`.${call.sessionId}-`)),
          runs: await runsOf(temporal, call.sessionId),
        }
      }),
    )
    const ended = calls.flatMap(({ entry }) => (entry?.endedAtMs == null ? [] : [entry]))
    const worst = (kind: 'voice' | 'meeting'): number =>
      Math.max(0, ...calls.filter((call) => call.kind === kind).map(offMs))
    return {
      calls,
      kills: killing.counts,
      minutes: calls.reduce((sum, { receipts }) => sum + new Set(receipts.map(({ id }) => id)).size, 0),
      billedMs: ended.reduce((sum, { startedAtMs, endedAtMs }) => sum + (endedAtMs! - startedAtMs), 0),
      worstOffMs: { voice: worst('voice'), meeting: worst('meeting') },
      corrections: books.reduce((sum, book) => sum + book.corrections, 0),
      fault: [
        ...seams(calls),
        ...calls.flatMap((call) => faultsOf(call, media).map((each) => `${nameOf(call)}: ${each}`)),
      ].join('\n'),
    }
  } finally {
    await Promise.all([connection.close(), journal.close()])
  }
}

async function resultWithin(temporal: Client, sessionId: string, withinMs: number): Promise<SessionResult> {
  const late = AbortSignal.timeout(withinMs)
  return temporal.connection.withAbortSignal(late, () =>
    temporal.workflow.getHandle(sessionWorkflowId(sessionId)).result(),
  ) as Promise<SessionResult>
}

async function runsOf(temporal: Client, sessionId: string): Promise<number> {
  const { count } = await temporal.workflow.count(`WorkflowId = '${sessionWorkflowId(sessionId)}'`)
  return count
}

/** A short call, or one whose workers died, may have come to none. */
function seams(calls: readonly BilledCall[]): readonly string[] {
  return calls.some(({ sliced, runs }) => sliced && runs > 1) ? [] : ['no call continued as new']
}

/** How far the end that is billed lies beside the time in which the call ended. */
function offMs(call: BilledCall): number {
  const { endedAtMs = null, startedAtMs = 0 } = call.entry ?? {}
  if (endedAtMs === null) return 0
  if (call.end === 'pays') return Math.abs(endedAtMs - startedAtMs - minuteMs)
  return beside(endedAtMs, call.over)
}

function faultsOf(call: BilledCall, media: MediaServer): readonly string[] {
  const { entry, receipts, result, sessionId, begun, kind } = call
  if (entry?.endedAtMs == null) return ['no end is noted']
  const { startedAtMs, endedAtMs } = entry
  const ms = endedAtMs - startedAtMs
  const faults: string[] = []
  const must = (holds: boolean, fault: string): void => void (holds || faults.push(fault))
  must(beside(startedAtMs, begun) === 0, `it began at ${startedAtMs}, and was asked for from ${textOf(begun)}`)
  const allowed = call.end === 'pays' ? 0 : heartbeatMs[kind] + slackMs
  must(offMs(call) <= allowed, `billed ${ms} ms, which is ${offMs(call)} ms beside what it was; it ${reasonOf(call)}`)
  const owed = new Map<string, number>()
  for (let minute = 0; minute <= minuteAt(ms); minute += 1) {
    const price = minutePrice(minute, ms, entry)
    if (price > 0) owed.set(minuteCharge({ sessionId, startedAtMs }, minute), price)
  }
  for (const id of new Set([...owed.keys(), ...receipts.map((receipt) => receipt.id)])) {
    const own = receipts.filter((receipt) => receipt.id === id)
    const total = own.reduce((sum, { added }) => sum + added.charged + added.uncollected, 0)
    must(total === (owed.get(id) ?? 0), `${id}: ${total} µcr instead of ${owed.get(id) ?? 0}`)
    const settled = own.filter((receipt) => receipt.kind === 'settled').length
    must(settled <= 1 && (settled === 1 || !owed.has(id)), `${id}: settled ${settled} times`)
  }
  const charged = receipts.reduce((sum, { added }) => sum + added.charged, 0)
  if ('refused' in result) faults.push(`its workflow says that it was refused: ${result.refused.code}`)
  else {
    must(result.endedAtMs === endedAtMs, `its workflow says that it ended at ${result.endedAtMs}, not ${endedAtMs}`)
    must(result.charged === charged, `its workflow says ${result.charged} µcr, its receipts ${charged}`)
  }
  must(media.closedAtMs.has(sessionId), 'what it ran on was never closed')
  return faults
}

function beside(atMs: number, { fromMs, toMs }: Window): number {
  return Math.max(0, fromMs - atMs, atMs - toMs)
}

const textOf = ({ fromMs, toMs }: Window): string => `${fromMs} to ${toMs}`
const mostNamed = 6
const whatIsUnderWay = (plans: readonly PlannedCall[]): string =>
  `${plans.length} calls under way${plans.length > mostNamed ? '' : `: ${plans.map(planOf).join(', ')}`}`
const planOf = ({ number, kind, end, sliced }: PlannedCall): string =>
  `call ${number} (${kind}, ${end}${sliced ? ', continued as new' : ''})`
const nameOf = (call: LivedCall): string => `${planOf(call)} ${call.sessionId}`
const reasonOf = ({ entry, endedBefore, over }: BilledCall): string =>
  `ended at ${entry?.endedAtMs} as ${entry?.endReason}${endedBefore === null ? '' : ', before its end was asked for'}; the truth is ${textOf(over)}`
