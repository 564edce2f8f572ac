import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { EndReason } from '../credits/session/session.ts'
import { sessionWorkflowId } from '../credits/session/messages.ts'
import { minuteAt, minuteCharge } from '../credits/session/minutes.ts'
import { minuteMs, minutePrice } from '../credits/session/price.ts'
import type { SessionEntry } from '../journal/sessions.ts'
import { until } from '../test/stack/until.ts'
import { median } from './gateway/load.ts'
import { type Cpu, measuredParts, openStand, type Stand, welcomeCredits } from './sessions/stand.ts'
import type { Figure, Goal, Measured, SuiteOptions } from './suite.ts'

interface Effort {
  readonly sessions: number
  /** Of those, so many with an account of their own, which covers the first minute and no more. */
  readonly poor: number
  /** The others share so many accounts. */
  readonly rich: number
  /** That each of the others goes through, once all have begun. */
  readonly minutes: number
  /** How many have their histories counted. */
  readonly histories: number
  readonly sliceMs: number
}
const efforts: Record<'full' | 'quick', Effort> = {
  full: { sessions: 1_000, poor: 50, rich: 50, minutes: 2, histories: 50, sliceMs: 1_000 },
  quick: { sessions: 40, poor: 4, rich: 4, minutes: 1, histories: 4, sliceMs: 500 },
}

/** How often a session gives a sign of life. */
const beatMs = 5_000
/** What the last of a minute's signs of life, and what follows from it, may take. */
const graceMs = 10_000
const poorCredits = 4
/** Begins, ends and reads on their way at a time. */
const atOnce = 32
const restWithinMs = 120_000
/** A run hands over to the next after so many activities of an hour. */
const slices = 12

/** One session, as this process saw it. */
interface Call {
  readonly accountId: string
  readonly sessionId: string
  readonly isPoor: boolean
  /** When each sign of life was answered. */
  readonly beatsMs: number[]
}

/** A call, what became of it, and its receipts. */
interface Book extends Call {
  readonly entry: SessionEntry & { readonly endedAtMs: number; readonly endReason: EndReason }
  /** When the system that it runs in was told so. */
  readonly closedAtMs: number
  readonly receipts: ReadonlyMap<string, readonly Booked[]>
}

interface Booked {
  readonly kind: string
  readonly atMs: number
  /** µcr, what was not there to be charged included. */
  readonly amount: number
}

/** Many calls at once, in real minutes: whether each minute is debited once and how soon, what that costs, and how soon a call without credits is over. */
export async function sessionsSuite({ quick, say }: SuiteOptions): Promise<Measured> {
  const effort = efforts[quick ? 'quick' : 'full']
  say('starting Redis, PostgreSQL, Temporal, a worker and a gateway')
  const stand = await openStand()
  try {
    const calls = await livedThrough(stand, effort, say)
    const books = await booksOf(stand, calls.all)
    const histories = await historyFigures(stand, books, effort, say)
    return { figures: [...calls.figures, ...debits(books, say), ...closings(books), ...histories], void: '' }
  } finally {
    await stand.close()
  }
}

async function livedThrough(
  stand: Stand,
  { sessions, poor, rich, minutes }: Effort,
  say: SuiteOptions['say'],
): Promise<{ readonly all: readonly Call[]; readonly figures: readonly Figure[] }> {
  const poorOnes = Array.from({ length: poor }, (_, index) => ({ accountId: `bench-poor-${index}`, isPoor: true }))
  const richOnes = Array.from({ length: rich }, (_, index) => ({ accountId: `bench-rich-${index}`, isPoor: false }))
  say(`${poor + rich} accounts`)
  await many([...poorOnes, ...richOnes], ({ accountId, isPoor }) =>
    stand.openAccount(accountId, isPoor ? poorCredits : welcomeCredits),
  )
  const every = sessions / poor
  const callers = Array.from({ length: sessions }, (_, index) =>
    index % every === 0 ? poorOnes[index / every]! : richOnes[index % rich]!,
  )
  const all: Call[] = []
  const stopBeating: (() => void)[] = []
  try {
    say(`${sessions} sessions begin`)
    const beginsAtMs = Date.now()
    await many(callers, async (caller) => {
      const { id } = await stand.begin(caller.accountId)
      const call: Call = { ...caller, sessionId: id, beatsMs: [] }
      all.push(call)
      stopBeating.push(beatOf(stand, call, say))
    })
    const fromMs = Date.now()
    const before = await stand.cpuUs()
    say(`${minutes} more minutes of them`)
    await pause(minutes * minuteMs + graceMs)
    const after = await stand.cpuUs()
    const toMs = Date.now()
    say('they end')
    await many(all, ({ accountId, sessionId }) => stand.end(accountId, sessionId))
    const endedAtMs = Date.now()
    return {
      all,
      figures: [
        figure('sessions at once', all.length, ''),
        figure('begun a second', (1_000 * sessions) / (fromMs - beginsAtMs), '/s'),
        figure('ended a second', (1_000 * sessions) / (endedAtMs - toMs), '/s'),
        ...(await cpuFigures(stand, all, { fromMs, toMs }, before, after)),
      ],
    }
  } finally {
    for (const stop of stopBeating) stop()
  }
}

/** Signs of life until the session is over. */
function beatOf(stand: Stand, { accountId, sessionId, beatsMs }: Call, say: SuiteOptions['say']): () => void {
  const timer = setInterval(() => {
    stand.alive(accountId, sessionId).then(
      ({ endedAt }) => (endedAt === null ? beatsMs.push(Date.now()) : clearInterval(timer)),
      (error: unknown) => say(`a sign of life was not heard: ${String(error)}`),
    )
  }, beatMs)
  return () => clearInterval(timer)
}

async function cpuFigures(
  stand: Stand,
  calls: readonly Call[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  before: Cpu,
  after: Cpu,
): Promise<readonly Figure[]> {
  const entries = await entriesOf(stand, calls)
  const lived = entries.reduce(
    (sum, { startedAtMs, endedAtMs }) =>
      sum + Math.max(0, Math.min(toMs, endedAtMs) - Math.max(fromMs, startedAtMs)) / minuteMs,
    0,
  )
  const ms = (part: keyof Cpu): number => (after[part] - before[part]) / 1_000 / lived
  return [
    ...measuredParts.map((part) => figure(`CPU per session minute: ${part}`, ms(part), 'ms')),
    figure('CPU of the worker for all of them, of one core', (ms('worker') * lived * 100) / (toMs - fromMs), '%'),
  ]
}

/** Once every end is noted. */
async function entriesOf(stand: Stand, calls: readonly Call[]): Promise<readonly Book['entry'][]> {
  const entries: Book['entry'][] = []
  await many(calls, async ({ accountId, sessionId }) => {
    const ended = await until(async () => {
      const entry = await stand.journal.sessions.find(accountId, sessionId)
      return entry?.endedAtMs != null && entry
    }, restWithinMs)
    entries.push(ended as Book['entry'])
  })
  return entries
}

async function booksOf(stand: Stand, calls: readonly Call[]): Promise<readonly Book[]> {
  const entries = new Map((await entriesOf(stand, calls)).map((entry) => [entry.id, entry]))
  await stand.drain()
  const books: Book[] = []
  await many(calls, async (call) => {
    const receipts = new Map<string, Booked[]>()
    for (const { id, kind, atMs, added } of await stand.journal.receiptsAfter(call.accountId, 0, 1_000))
      if (id.includes(call.sessionId))
        receipts.set(id, [...(receipts.get(id) ?? []), { kind, atMs, amount: added.charged + added.uncollected }])
    const closedAtMs = await until(async () => stand.closedAtMs(call.sessionId), restWithinMs)
    books.push({ ...call, entry: entries.get(call.sessionId)!, closedAtMs, receipts })
  })
  return books
}

/** Each minute, begun ones included, has one receipt with its price; and soon. */
function debits(books: readonly Book[], say: SuiteOptions['say']): readonly Figure[] {
  let minutes = 0
  let right = 0
  const delaysMs: number[] = []
  const ownDelaysMs: number[] = []
  for (const { sessionId, entry, receipts, beatsMs } of books) {
    const { startedAtMs, endedAtMs } = entry
    const ms = endedAtMs - startedAtMs
    const owed = new Map<string, number>()
    for (let minute = 0; minute <= minuteAt(ms); minute += 1) {
      const price = minutePrice(minute, ms, entry)
      if (price > 0) owed.set(minuteCharge({ sessionId, startedAtMs }, minute), price)
      const overAtMs = startedAtMs + (minute + 1) * minuteMs
      const [receipt] = receipts.get(minuteCharge({ sessionId, startedAtMs }, minute)) ?? []
      if (receipt === undefined || overAtMs > endedAtMs) continue
      delaysMs.push(receipt.atMs - overAtMs)
      const beatMs = beatsMs.find((atMs) => atMs >= overAtMs)
      if (beatMs !== undefined) ownDelaysMs.push(Math.max(0, receipt.atMs - beatMs))
    }
    // Whatever is beside its minutes, or twice, is as wrong as what is missing
    const ids = new Set([...owed.keys(), ...receipts.keys()])
    minutes += ids.size
    for (const id of ids) {
      const [receipt, ...more] = receipts.get(id) ?? []
      if (receipt !== undefined && more.length === 0 && receipt.amount === owed.get(id)) right += 1
      else say(`  ${id} of ${ms} ms (${entry.endReason}): ${owed.get(id) ?? 0} µcr owed, ${booked(receipts.get(id))}`)
    }
  }
  const delays = sorted(delaysMs)
  const own = sorted(ownDelaysMs)
  return [
    figure('minutes, begun ones included', minutes, ''),
    figure('minutes debited exactly once, to the micro-credit', (100 * right) / minutes, '%', { atLeast: 100 }),
    figure('from the end of a minute to its receipt, median', median(delays) / 1_000, 's'),
    figure('from the end of a minute to its receipt, 99 of 100', at(delays, 0.99) / 1_000, 's'),
    figure('from the first sign of life after it to its receipt, median', median(own) / 1_000, 's'),
    figure('from the first sign of life after it to its receipt, 99 of 100', at(own, 0.99) / 1_000, 's'),
  ]
}

const booked = (receipts: readonly Booked[] = []): string =>
  receipts.length === 0 ? 'no receipt' : receipts.map(({ kind, amount }) => `${amount} ${kind}`).join(', ')

/** From the last minute that was paid for to the word that the call is over. */
function closings(books: readonly Book[]): readonly Figure[] {
  const poor = books.filter(({ isPoor }) => isPoor)
  const delays = sorted(
    poor.map(({ entry, closedAtMs }) =>
      entry.endReason === 'credits' ? closedAtMs - (entry.startedAtMs + minuteMs) : Number.POSITIVE_INFINITY,
    ),
  )
  return [
    figure('at zero: from the refused minute to the end of the call, median', median(delays) / 1_000, 's'),
    figure(
      `at zero: from the refused minute to the end of the call, worst of ${poor.length}`,
      delays.at(-1)! / 1_000,
      's',
      { atMost: 2 },
    ),
  ]
}

async function historyFigures(
  stand: Stand,
  books: readonly Book[],
  { histories, sliceMs }: Effort,
  say: SuiteOptions['say'],
): Promise<readonly Figure[]> {
  say('a session whose hours are short')
  const { accountId } = books.find(({ isPoor }) => !isPoor)!
  const sessionId = randomUUID()
  await stand.beginSliced(accountId, sessionId, sliceMs)
  const hoursOf = async (): Promise<number> => (await historyOf(stand, sessionId)).hours
  await until(async () => {
    await stand.alive(accountId, sessionId).catch(() => undefined)
    return (await hoursOf()) > slices
  }, restWithinMs)
  await stand.end(accountId, sessionId)
  await stand.temporal.workflow.getHandle(sessionWorkflowId(sessionId)).result()
  const counted: number[] = []
  for (const book of books.slice(0, histories)) counted.push((await historyOf(stand, book.sessionId)).events)
  const own = median(sorted(counted))
  const long = await historyOf(stand, sessionId)
  const anHour = (long.events - own) / (long.hours - 1)
  const perMinute = (minutes: number): number => (own + Math.ceil(minutes / 60 - 1) * anHour) / minutes
  return [
    figure(`history events of a session of up to an hour, median of ${counted.length}`, own, 'events'),
    figure('history events of a session of up to an hour, most', sorted(counted).at(-1)!, 'events'),
    figure('history events that one more hour adds', anHour, 'events'),
    figure('history events per minute of half an hour', perMinute(30), 'events', { atMost: 0.5 }),
    figure('history events per minute of an hour', perMinute(60), 'events', { atMost: 0.5 }),
    figure('history events per minute of four hours', perMinute(240), 'events', { atMost: 0.5 }),
  ]
}

/** Of all its runs: its events, and how many activities looked after it in turn. */
async function historyOf(
  { temporal }: Stand,
  sessionId: string,
): Promise<{ readonly events: number; readonly hours: number }> {
  const workflowId = sessionWorkflowId(sessionId)
  let events = 0
  let hours = 0
  for await (const { runId } of temporal.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory()
    events += history.events?.length ?? 0
    for (const { activityTaskScheduledEventAttributes: scheduled } of history.events ?? [])
      if (scheduled?.activityType?.name === 'attendSession') hours += 1
  }
  return { events, hours }
}

/** All of them, some at a time. */
async function many<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const left = [...items]
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
    }),
  )
}

const sorted = (values: readonly number[]): readonly number[] => values.toSorted((one, other) => one - other)
const at = (ascending: readonly number[], part: number): number =>
  ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * part))] ?? Number.NaN

const figure = (name: string, value: number, unit: string, goal: Goal | null = null): Figure => ({
  name,
  value,
  unit,
  goal,
})
