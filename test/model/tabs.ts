import type { Gateway } from './gateway.ts'
import { groupOf } from './gateway.ts'
import { trueRawOf } from './ledger/balance.ts'
import { extend } from './ledger/extend.ts'
import { release } from './ledger/release.ts'
import { reserve } from './ledger/reserve.ts'
import { settleTogether, type SettleTogetherAnswer, type SettleTogetherRequest } from './ledger/settle-together.ts'
import type { Name } from './ledger/state.ts'
import type { OutboxEntry } from './outbox.ts'
import { type Process, rest, send, Unavailable } from './scheduler.ts'
import { sendEntry } from './send-entry.ts'
import type { Work } from './truth.ts'
import { BooksBroken, onRedis, type World } from './world.ts'

/** A hold that is reserved ahead of calls, which take parts of it and are settled in company. It dies with its gateway: its lease ends it then. */
export interface Tab {
  readonly name: Name
  readonly began: { readonly epoch: number; readonly windows: readonly string[] }
  readonly admitsUntilMs: number
  leaseEndsMs: number
  /** What no call has a part of. */
  room: number
  /** The parts of calls that are not known to be settled, and of those the parts of calls that still run. */
  owed: number
  running: number
  waiting: { readonly entry: OutboxEntry; readonly part: number }[]
  tellsSoon: boolean
  retired: boolean
  /** The ledger has it no more, or cannot be heard: its calls are settled alone. */
  broken: boolean
  over: boolean
}

/** The tabs of one account and its budget levels, one after the other. */
export interface Line {
  lastAtMs: number
  tab: Tab | null
  opening: boolean
}

/** A tab of the program admits calls for a quarter of a second; here messages take up to 40 ms. */
const longestMs = 1_500
const closelyMs = 1_000
const parts = 3
const leaseMs = 60_000

/** A part of the tab that is open for such calls, null when there is none: then one is opened for those that follow. */
export function takePart(world: World, gateway: Gateway, work: Work): Tab | null {
  const { scheduler, story } = world
  const nowMs = scheduler.nowMs()
  const key = `${work.accountId} ${work.levels.join(' ')}`
  let line = gateway.lines.get(key)
  if (line === undefined)
    gateway.lines.set(key, (line = { lastAtMs: Number.NEGATIVE_INFINITY, tab: null, opening: false }))
  const closely = nowMs - line.lastAtMs < closelyMs
  line.lastAtMs = nowMs
  const { tab } = line
  if (tab !== null && !tab.retired && nowMs < tab.admitsUntilMs && work.hold <= tab.room) {
    tab.room -= work.hold
    tab.owed += work.hold
    tab.running += work.hold
    work.tab = tab.name.id
    story.tell(work, () => `${work.title} has a part of ${work.hold} of ${tab.name.id} at gateway ${gateway.number}`)
    return tab
  }
  if (closely && !line.opening) {
    line.opening = true
    scheduler.spawn(groupOf(gateway), open(world, gateway, line, work))
  }
  return null
}

function* open(world: World, gateway: Gateway, line: Line, { accountId, row, levels, hold }: Work): Process {
  const { redis, scheduler, truth, story } = world
  const id = `tab-${truth.tabs.length + 1}`
  const name = { accountId, id, birthMs: Math.round(scheduler.nowMs() + gateway.clockOffsetMs) }
  truth.tabs.push(name)
  const amount = hold * parts
  const request = { ...name, amount, minimum: amount, beside: amount, ttlMs: leaseMs, row, levels }
  const askedAtMs = scheduler.nowMs()
  try {
    const answer = yield* send('redis', () => onRedis(world, accountId, 'reserve', () => reserve(redis, request)))
    story.tell(name, () => `gateway ${gateway.number} reserves ${amount} for ${id}: ${answer.status}`)
    if (answer.status === 'created' || answer.status === 'exists') {
      const tab: Tab = {
        name,
        began: answer,
        admitsUntilMs: askedAtMs + longestMs,
        leaseEndsMs: askedAtMs + leaseMs,
        room: answer.held,
        owed: 0,
        running: 0,
        waiting: [],
        tellsSoon: false,
        retired: false,
        broken: false,
        over: false,
      }
      if (line.tab !== null) retire(world, gateway, line.tab)
      line.tab = tab
      const { life } = gateway
      scheduler.after(longestMs, () => {
        if (gateway.life === life && gateway.isUp) retire(world, gateway, tab)
      })
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    scheduler.spawn(groupOf(gateway), releaseTab(world, name))
  }
  line.opening = false
}

/** Admits no more calls, and keeps no more than those it has may need. */
function retire(world: World, gateway: Gateway, tab: Tab): void {
  if (tab.retired) return
  tab.retired = true
  world.scheduler.spawn(groupOf(gateway), tell(world, gateway, tab))
}

export function* renewTab(world: World, tab: Tab): Process {
  const { redis, scheduler } = world
  const askedAtMs = scheduler.nowMs()
  try {
    const { status } = yield* send('redis', () =>
      onRedis(world, tab.name.accountId, 'extend', () =>
        extend(redis, { ...tab.name, accrued: 0, more: 0, ttlMs: leaseMs }),
      ),
    )
    if (status === 'extended') tab.leaseEndsMs = Math.max(tab.leaseEndsMs, askedAtMs + leaseMs)
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
  }
}

/** The call is over, and its settlement noted: it is told with others a moment later. Until then no replay sends it. */
export function settleOnTab(world: World, gateway: Gateway, tab: Tab, entry: OutboxEntry): void {
  const { scheduler, random } = world
  const part = entry.work.hold
  tab.running -= part
  if (tab.broken) {
    tab.owed -= part
    scheduler.spawn(groupOf(gateway), settleAlone(world, gateway, entry))
    scheduler.spawn(groupOf(gateway), tell(world, gateway, tab))
    return
  }
  entry.sending += 1
  tab.waiting.push({ entry, part })
  tab.room += Math.max(0, part - entry.request.actual)
  if (tab.tellsSoon) return
  tab.tellsSoon = true
  scheduler.spawn(groupOf(gateway), tellSoon(world, gateway, tab, random.between(5, 400)))
}

function* tellSoon(world: World, gateway: Gateway, tab: Tab, inMs: number): Process {
  yield* rest(inMs)
  tab.tellsSoon = false
  yield* tell(world, gateway, tab)
}

/** What waits goes to the ledger. A retired tab gives back what nobody is owed; one that owes nothing ends. */
function* tell(world: World, gateway: Gateway, tab: Tab): Process {
  const { rules, scheduler } = world
  if (tab.over) return
  const waiting = tab.waiting.splice(0)
  const toldParts = waiting.reduce((total, { part }) => total + part, 0)
  const owed = rules.keepsWhatIsOwed ? tab.owed - toldParts : tab.running
  const keeps = tab.retired ? owed : undefined
  if (waiting.length === 0 && keeps === undefined) return
  if (keeps === 0) tab.over = true
  if (tab.broken) {
    if (tab.over) yield* releaseTab(world, tab.name)
    return
  }
  const calls = waiting.map(({ entry: { request }, part }) => ({ ...request, part }))
  const answer = yield* untilHeard(world, gateway, tab, { hold: tab.name, keeps, calls })
  tab.owed -= toldParts
  for (const [index, { entry }] of waiting.entries()) {
    entry.sending -= 1
    const own = answer?.status === 'settled' ? answer.calls[index]! : { status: 'alone' as const }
    if (own.status !== 'alone') {
      heard(world, gateway, entry)
      continue
    }
    // What the tab has for it does not pay for what the journal is asked about
    if (answer?.status === 'settled') entry.work.uncovered = true
    scheduler.spawn(groupOf(gateway), settleAlone(world, gateway, entry))
  }
  if (answer?.status !== 'settled') {
    tab.broken = true
    for (const { entry, part } of tab.waiting.splice(0)) {
      tab.owed -= part
      entry.sending -= 1
      scheduler.spawn(groupOf(gateway), settleAlone(world, gateway, entry))
    }
    if (tab.over) yield* releaseTab(world, tab.name)
    else retire(world, gateway, tab)
  }
  // Its end waited for what was told before
  if (tab.retired && !tab.over && tab.owed === 0) yield* tell(world, gateway, tab)
}

/** Told again under the hold for as long as that may pay: settled alone, the calls would find that the tab holds what they need. */
function* untilHeard(
  world: World,
  gateway: Gateway,
  tab: Tab,
  request: SettleTogetherRequest,
): Process<SettleTogetherAnswer | null> {
  const { redis, rules, random, scheduler, story, truth } = world
  const { accountId } = tab.name
  const titles = request.calls.map(({ id }) => id).join(', ')
  const said = (what: string): void => {
    for (const about of [tab.name, ...request.calls])
      story.tell(
        about,
        () =>
          `gateway ${gateway.number} settles ${titles || 'nothing'} on ${tab.name.id}, keeps ${request.keeps ?? 'all'}: ${what}`,
      )
  }
  for (;;) {
    try {
      const answer = yield* send('redis', () =>
        onRedis(world, accountId, 'settleTogether', () =>
          checked(world, request, () => settleTogether(redis, request)),
        ),
      )
      said(answer.status === 'settled' ? answer.calls.map(({ status }) => status).join(', ') : answer.status)
      return answer
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      said('no answer')
      retire(world, gateway, tab)
      if (!rules.companyIsToldAgain) return null
      yield* rest(random.between(50, 2_000))
      if (scheduler.nowMs() <= tab.leaseEndsMs) continue
      for (const work of truth.works) if (work.tab === tab.name.id) work.uncovered = true
      return null
    }
  }
}

/** What a part covers is there, whatever other calls cost. */
function checked(
  world: World,
  { hold, calls }: SettleTogetherRequest,
  run: () => SettleTogetherAnswer,
): SettleTogetherAnswer {
  const { redis } = world
  const account = redis.state.accounts.get(hold.accountId)
  const solvent = account !== undefined && trueRawOf(redis, account) >= 0 && account.terms.expiring.length === 0
  const answer = run()
  if (!solvent || answer.status !== 'settled') return answer
  for (const [index, one] of answer.calls.entries()) {
    const call = calls[index]!
    if (one.status === 'settled' && call.actual <= call.part && one.uncollected > 0) {
      throw new BooksBroken(
        `${call.id} cost ${call.actual} of its part of ${call.part}, and ${one.uncollected} are uncollected`,
        call,
      )
    }
  }
  return answer
}

function heard({ rules }: World, gateway: Gateway, entry: OutboxEntry): void {
  entry.accepted = true
  entry.work.heard = 'accepted'
  if (!rules.keptUntilJournal) gateway.outbox.delete(entry.request.id)
}

function* settleAlone(world: World, gateway: Gateway, entry: OutboxEntry): Process {
  const { work } = entry
  if (!world.rules.companyKeepsItsIds) {
    const id = `${entry.request.id}.alone`
    work.ids.add(id)
    gateway.outbox.delete(entry.request.id)
    const again = { ...entry, request: { ...entry.request, id } }
    gateway.outbox.set(id, again)
    return yield* sendEntry(world, gateway, again)
  }
  yield* sendEntry(world, gateway, entry)
}

function* releaseTab(world: World, name: Name): Process {
  const { redis } = world
  for (let attempt = 0; attempt < 4; attempt += 1) {
    try {
      yield* send('redis', () => onRedis(world, name.accountId, 'release', () => release(redis, name)))
      return
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      yield* rest(250 * 2 ** attempt)
    }
  }
}
